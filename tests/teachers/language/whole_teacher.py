"""The language teacher over a service, as the tests of its stages use it."""

from __future__ import annotations

from teachwhy.config import GenerationConfig
from teachwhy.service.calls import Service
from teachwhy.teachers.language import advice, answers, benign, documents, scoring, stories
from teachwhy.teachers.language.teacher import LanguageTeacher
from teachwhy.teachers.language.writer import Writer

ADVICE_PROMPTS = {**advice.PROMPTS, **answers.PROMPTS, **scoring.PROMPTS, **benign.PROMPTS}
DOCUMENT_PROMPTS = {**documents.PROMPTS, **stories.PROMPTS}


def make_teacher(service: Service, **config: object) -> LanguageTeacher:
    """The teacher with its own settings in [generation]."""
    return LanguageTeacher(Writer(service, GenerationConfig.model_validate(config)))
