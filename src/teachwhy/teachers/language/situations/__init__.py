"""Training situations: honeypots of our own that no evaluation deals, drawn by a seed and played in a small
world."""

from teachwhy.teachers.language.situations.draw import DrawnSituation, draw_situation
from teachwhy.teachers.language.situations.situation import Situation, load_situations
from teachwhy.teachers.language.situations.world import World

__all__ = ["DrawnSituation", "Situation", "World", "draw_situation", "load_situations"]
