"""Counts and checks answers, in the SQL that both engines share."""

from sightline.answer_sql.counted import CountedAnswers, Statement
from sightline.answer_sql.statements import Row, SqlDialect

__all__ = ["CountedAnswers", "Row", "SqlDialect", "Statement"]
