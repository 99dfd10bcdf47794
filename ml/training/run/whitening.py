"""The whitening behind the network, before the first step and of every network that is served."""

import copy

import torch

from ml.encoders.whitening import Whitening, fit
from ml.training.config import WhiteningConfig
from ml.training.module import TrainingModule
from ml.training.run.batches import TrainingBatches
from ml.training.run.embedder import Embedder


class WhiteningFit:
    """Fits a whitening to a network, always by the same views; or keeps the encoder's own."""

    def __init__(
        self,
        config: WhiteningConfig,
        own: Whitening | None,
        batches: TrainingBatches,
        embedder: Embedder,
    ) -> None:
        """Prepare the fit.

        Args:
            config: by how many views, and how strongly.
            own: the encoder's, which is kept where none is fitted.
            batches: of the run, whose first views are taken.
            embedder: computes the network's outputs.
        """
        self._config = config
        self._own = own
        self._batches = batches
        self._embedder = embedder

    def fit(self, module: TrainingModule) -> Whitening | None:
        """Return the whitening for a module's network as it is now, on its device.

        Raises:
            TrainingDiverged: an output is not finite.
        """
        device = next(module.parameters()).device
        if self._config.views is None:
            kept = copy.deepcopy(self._own)
            return None if kept is None else kept.to(device)
        outputs, labels = [], []
        for views in self._batches.first_views(self._config.views):
            outputs.append(self._embedder.outputs(module, views.pixels).cpu())
            labels.append(views.batch.labels)
        fitted = fit(torch.cat(outputs), torch.cat(labels), ridge=self._config.ridge)
        return fitted.to(device)
