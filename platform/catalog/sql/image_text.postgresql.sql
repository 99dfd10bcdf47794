-- ASCII's own punctuation goes, so that the parser sees no paths, addresses or hosts. A tsvector
-- holds 1 MB.
CREATE OR REPLACE FUNCTION catalog_words(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT normalize(regexp_replace(normalize(regexp_replace(
        left(said, 100000), '[\x01-/:-@\[-`{-\x7f]+', ' ', 'g'
    ), NFD), '[\u0300-\u036f]', '', 'g'), NFC)
$$;

CREATE OR REPLACE FUNCTION catalog_words_of(image catalog_image) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT catalog_words(concat_ws(
        ' ', image.title, image.path, image.owner, image.creator, image.external_id, image.source,
        image.description, (
            SELECT string_agg(concat_ws(' ', path, title, external_id), ' ' ORDER BY id)
            FROM catalog_occurrence WHERE image_id = image.id
        )
    ))
$$;

CREATE OR REPLACE FUNCTION catalog_tags_of(image uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT catalog_words(coalesce(string_agg(name, ' ' ORDER BY name), '')) FROM catalog_tag
    WHERE id IN (SELECT tag_id FROM catalog_image_tags WHERE image_id = image)
$$;

CREATE OR REPLACE FUNCTION image_text_of_image() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO catalog_imagetext (image_id, words, tags)
        VALUES (NEW.id, catalog_words_of(NEW), '')
        ON CONFLICT (image_id) DO UPDATE SET words = EXCLUDED.words
        WHERE catalog_imagetext.words <> EXCLUDED.words;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION image_text_of_occurrence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    image uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.image_id ELSE NEW.image_id END;
BEGIN
    PERFORM 1 FROM catalog_imagetext WHERE image_id = image FOR UPDATE;
    UPDATE catalog_imagetext SET words = catalog_words_of(catalog_image)
        FROM catalog_image WHERE catalog_image.id = image AND image_id = image;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION image_text_of_tagged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    image uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.image_id ELSE NEW.image_id END;
BEGIN
    -- In a statement of its own: the next one then sees what whoever had the lock has written.
    PERFORM 1 FROM catalog_imagetext WHERE image_id = image FOR UPDATE;
    UPDATE catalog_imagetext SET tags = catalog_tags_of(image) WHERE image_id = image;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION image_text_of_tag() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    images uuid[] := ARRAY(
        SELECT image_id FROM catalog_imagetext
        WHERE image_id IN (SELECT image_id FROM catalog_image_tags WHERE tag_id = NEW.id)
        ORDER BY image_id FOR UPDATE
    );
BEGIN
    UPDATE catalog_imagetext SET tags = catalog_tags_of(image_id) WHERE image_id = ANY(images);
    RETURN NULL;
END $$;

DELETE FROM catalog_imagetext;

CREATE INDEX IF NOT EXISTS image_text_words ON catalog_imagetext
    USING gin (to_tsvector('simple', words || ' ' || tags));

CREATE TRIGGER image_text_image
    AFTER INSERT OR UPDATE OF title, path, description, owner, creator, external_id, source
    ON catalog_image FOR EACH ROW EXECUTE FUNCTION image_text_of_image();

CREATE TRIGGER image_text_occurrence
    AFTER INSERT OR DELETE
    ON catalog_occurrence FOR EACH ROW EXECUTE FUNCTION image_text_of_occurrence();

CREATE TRIGGER image_text_tagged
    AFTER INSERT OR DELETE
    ON catalog_image_tags FOR EACH ROW EXECUTE FUNCTION image_text_of_tagged();

-- At the end of the transaction: by then it has locked the images, as those who tag them do first.
CREATE CONSTRAINT TRIGGER image_text_tag
    AFTER UPDATE OF name ON catalog_tag DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION image_text_of_tag();

INSERT INTO catalog_imagetext (image_id, words, tags)
    SELECT id, catalog_words_of(catalog_image), catalog_tags_of(id) FROM catalog_image;
