import torch

from faceforget.progress import silent
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces, labelled_images
from faceforget.recognizer.recipe import recipe_of
from faceforget.recognizer.training import TrainingSettings


def test_the_recipe_of_a_model_makes_the_same_model_again(faces, names, backbone_file):
    plan = EnrolmentPlan("full", training=TrainingSettings(epochs=1, batch_size=8))
    enrolled = enroll_faces(faces, load_backbone(backbone_file), plan)
    again = recipe_of(enrolled, backbone_file)(*labelled_images(faces, names, "cpu"), seed=0, progress=silent)
    assert torch.equal(again.head.weight, enrolled.classifier.head.weight)
    expected = enrolled.classifier.state_dict()
    assert all(torch.equal(expected[key], value) for key, value in again.state_dict().items())
