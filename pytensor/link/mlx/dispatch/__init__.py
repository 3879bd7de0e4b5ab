"""How arrays and Ops look to MLX."""
