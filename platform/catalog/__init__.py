"""The catalogue: images, regions, encoder versions, and the files behind them."""
