from ml.panels.classification import photo_features
from ml.panels.classification.classifiers import load_classifiers
from ml.panels.measurement import cuts


def test_packaged_classifiers_know_the_features_in_their_order():
    found = load_classifiers()

    assert found.cut_trees.names == cuts.FEATURES
    assert found.panel_trees.names == photo_features.FEATURES
