"""Looking into plans."""


def named(plan, indices):
    return [plan.images[index].name for index in indices]


def trial(plan, name):
    (found,) = [each for each in plan.trials if each.name == name]
    return found
