import pytest
from pydantic import BaseModel, ValidationError

from faceforget.fields import problems


class Person(BaseModel):
    name: str
    photos: int
    check: int
    model: int


def test_problems_are_a_line_without_what_was_in_the_file():
    with pytest.raises(ValidationError) as caught:
        Person.model_validate({"name": "Ada", "photos": "Ada Lovelace", "check": 1, "model": 2})
    assert problems(caught.value) == "photos: Input should be a valid integer, unable to parse string as an integer"


def test_of_many_problems_the_first_are_told():
    with pytest.raises(ValidationError) as caught:
        Person.model_validate({})
    assert problems(caught.value) == "name: Field required; photos: Field required; check: Field required; 1 more"
