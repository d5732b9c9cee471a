"""The noise filter of one edit pixel by pixel, in plain Python; independent of the harness."""

from decimal import Decimal, getcontext

getcontext().prec = 60


def slow_voided(edit_loss, source_loss, *, label, mask, class_id, mean_losses, margin):
    """Return the voided pixels as rows of booleans.

    Args:
        edit_loss: Rows of losses on the edit.
        source_loss: The same on the source; None where the object moved.
        label: Rows of class ids of the edit.
        mask: Rows of booleans, the object of the edit.
        class_id: The object's class.
        mean_losses: Every loss that the class's mean is of.
        margin: How many times the mean.
    """
    mean = Decimal(sum(mean_losses)) / Decimal(len(mean_losses))
    rows = []
    for y, losses in enumerate(edit_loss):
        row = []
        for x, loss in enumerate(losses):
            taken = bool(mask[y][x]) and label[y][x] == class_id
            taken = taken and Decimal(loss) > Decimal(str(margin)) * mean
            if taken and source_loss is not None:
                taken = loss > source_loss[y][x]
            row.append(taken)
        rows.append(row)
    return rows
