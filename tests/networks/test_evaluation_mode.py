"""Networks in training mode that are asked about images, by several threads at once."""

import copy
import threading

import torch

import fashionzoo as fz


def test_threads_that_classify_at_once_agree_and_leave_the_network_as_it_was() -> None:
    network = fz.BalancedCNN(dropout=0.5).network
    before = copy.deepcopy(network.state_dict())
    images = torch.randint(0, 100, (20, 1, 28, 28), dtype=torch.uint8)
    answers: list[list[float]] = []

    def classify() -> None:
        for _ in range(10):
            answers.append([prediction.probabilities["Bag"] for prediction in network.predictions(images)])

    threads = [threading.Thread(target=classify) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert all(answer == answers[0] for answer in answers)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
