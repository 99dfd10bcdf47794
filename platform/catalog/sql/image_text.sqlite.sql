-- Statements are told apart by empty lines.

DELETE FROM catalog_imagetext

DROP TABLE IF EXISTS catalog_imagetext_fts

CREATE VIRTUAL TABLE catalog_imagetext_fts USING fts5(
    words, tags, content='catalog_imagetext', content_rowid='id',
    tokenize='unicode61 remove_diacritics 2', prefix='2 3'
)

CREATE TRIGGER image_text_fts_insert AFTER INSERT ON catalog_imagetext BEGIN
    INSERT INTO catalog_imagetext_fts (rowid, words, tags) VALUES (NEW.id, NEW.words, NEW.tags);
END

CREATE TRIGGER image_text_fts_update AFTER UPDATE ON catalog_imagetext BEGIN
    INSERT INTO catalog_imagetext_fts (catalog_imagetext_fts, rowid, words, tags)
        VALUES ('delete', OLD.id, OLD.words, OLD.tags);
    INSERT INTO catalog_imagetext_fts (rowid, words, tags) VALUES (NEW.id, NEW.words, NEW.tags);
END

CREATE TRIGGER image_text_fts_delete AFTER DELETE ON catalog_imagetext BEGIN
    INSERT INTO catalog_imagetext_fts (catalog_imagetext_fts, rowid, words, tags)
        VALUES ('delete', OLD.id, OLD.words, OLD.tags);
END

CREATE TRIGGER image_text_insert AFTER INSERT ON catalog_image BEGIN
    INSERT INTO catalog_imagetext (image_id, words, tags) VALUES (NEW.id, {words:NEW}, '');
END

CREATE TRIGGER image_text_update
AFTER UPDATE OF title, path, description, owner, creator, external_id, source ON catalog_image BEGIN
    UPDATE catalog_imagetext SET words = {words:NEW}
        WHERE image_id = NEW.id AND words <> {words:NEW};
END

CREATE TRIGGER image_text_occurrence AFTER INSERT ON catalog_occurrence BEGIN
    UPDATE catalog_imagetext SET words = coalesce((
        SELECT {words:catalog_image} FROM catalog_image WHERE id = NEW.image_id
    ), words) WHERE image_id = NEW.image_id;
END

CREATE TRIGGER image_text_no_occurrence AFTER DELETE ON catalog_occurrence BEGIN
    UPDATE catalog_imagetext SET words = coalesce((
        SELECT {words:catalog_image} FROM catalog_image WHERE id = OLD.image_id
    ), words) WHERE image_id = OLD.image_id;
END

CREATE TRIGGER image_text_tag AFTER INSERT ON catalog_image_tags BEGIN
    UPDATE catalog_imagetext SET tags = {tags} WHERE image_id = NEW.image_id;
END

CREATE TRIGGER image_text_untag AFTER DELETE ON catalog_image_tags BEGIN
    UPDATE catalog_imagetext SET tags = {tags} WHERE image_id = OLD.image_id;
END

CREATE TRIGGER image_text_rename AFTER UPDATE OF name ON catalog_tag BEGIN
    UPDATE catalog_imagetext SET tags = {tags}
        WHERE image_id IN (SELECT image_id FROM catalog_image_tags WHERE tag_id = NEW.id);
END

INSERT INTO catalog_imagetext (image_id, words, tags)
    SELECT id, {words:catalog_image}, '' FROM catalog_image

UPDATE catalog_imagetext SET tags = {tags} WHERE image_id IN (SELECT image_id FROM catalog_image_tags)
