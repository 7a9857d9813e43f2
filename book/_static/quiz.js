// Makes buttons of the section "Quiz", which is plain text with folded answers (tools/quizzes.py).
addEventListener("DOMContentLoaded", () => {
  "use strict";
  const quiz = document.getElementById("quiz");
  const folds = [...(quiz?.querySelectorAll(":scope > details") ?? [])];
  if (!folds.length) return;

  const firstTries = new Map(); // a question's number, and whether its first try was right
  const score = document.createElement("p");
  score.className = "quiz-score";
  score.setAttribute("role", "status");

  folds.forEach((fold, number) => {
    const options = fold.previousElementSibling;
    const question = options.previousElementSibling;
    question.id = `quiz-question-${number + 1}`;

    const group = document.createElement("div");
    group.className = "quiz-options";
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", question.id);
    const explanations = document.createElement("div");
    explanations.className = "quiz-explanations";
    explanations.setAttribute("aria-live", "polite");

    const answers = [...fold.querySelectorAll(":scope > ul > li")].map((item) => {
      const answer = document.createElement("div");
      answer.append(...item.childNodes);
      answer.dataset.right = answer.querySelector("strong").textContent.includes("✓");
      answer.hidden = true;
      return answer;
    });
    const buttons = [...options.children].map((item) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...(item.querySelector(":scope > p") ?? item).childNodes);
      button.setAttribute("aria-pressed", "false");
      return button;
    });
    buttons.forEach((button, chosen) => {
      button.addEventListener("click", () => {
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        answers.forEach((answer, place) => (answer.hidden = place !== chosen));
        button.dataset.right = answers[chosen].dataset.right; // stays: what has been tried is seen
        if (!firstTries.has(number)) firstTries.set(number, button.dataset.right === "true");
        if (firstTries.size === folds.length && !score.textContent) {
          const right = [...firstTries.values()].filter(Boolean).length;
          score.textContent = `At the first try you had ${right} of ${folds.length} right.`;
        }
      });
    });
    group.append(...buttons);
    explanations.append(...answers);
    options.replaceWith(group);
    fold.replaceWith(explanations);
  });
  quiz.append(score);
});
