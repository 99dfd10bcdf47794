from ml.panels import cuts, photo_features
from ml.panels.classifiers import load_classifiers


def test_packaged_classifiers_know_the_features_in_their_order():
    found = load_classifiers()

    assert found.cut_trees.names == cuts.FEATURES
    assert found.panel_trees.names == photo_features.FEATURES
