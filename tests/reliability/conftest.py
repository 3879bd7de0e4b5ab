"""Makes `wrong_programs` importable for the tests in this directory."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
