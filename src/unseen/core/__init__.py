"""The nouns of EM: statistics, parameters, blocks, models, families, algorithms, engines, sources."""
