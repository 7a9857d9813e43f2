"""Grade a submitted assignment with the hidden tests, contained: ``python -m d2lcourse.grade``.

The tests, their points and the setup come from the instructor's notebook; only the answers, and
cells that the student added, come from the submission. They run in a process of their own that
can neither reach the network nor write a file nor start a program. See `contain` for how, and
`run` for what happens to cells that never end.

What it does not do: answers and tests share one Python process, so a student who studies this
package can forge a result. Read the code of a submission before it decides anything of weight.
"""

from d2lcourse.grade.assemble import Assignment, Step, assemble, find_assignment
from d2lcourse.grade.contain import Limits
from d2lcourse.grade.report import Grade, Report
from d2lcourse.grade.run import grade

__all__ = [
    "Assignment",
    "Grade",
    "Limits",
    "Report",
    "Step",
    "assemble",
    "find_assignment",
    "grade",
]
