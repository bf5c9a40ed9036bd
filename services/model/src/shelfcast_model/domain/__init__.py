"""Rules and values of forecasting: pure, without clock, network or storage."""
