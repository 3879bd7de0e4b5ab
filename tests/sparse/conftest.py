"""Makes `tensor_checks` importable for the tests below this directory."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
