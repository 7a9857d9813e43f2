"""The book's search in the browser: words of the text, names in the code, and Chinese."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tools.browser import visit

# What is asked, and a page that must be among the answers.
QUESTIONS = {
    "entropy": "Glossary",
    "scaled_dot_product_attention": "The Transformer from scratch",  # in code cells only
    "by_indices": "Backpropagation two ways, with gradient checking",  # a function of the chapter's
    "zero_grad": "Computation graphs and automatic differentiation",
    "梯度下降": "Glossary",
    "梯度": "Glossary",  # a part of words
    "卷积": "Glossary",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_search_finds(chromium: Browser, address: str, question: str) -> None:
    with visit(chromium, f"{address}/search.html?q={quote(question)}") as seen:
        seen.page.wait_for_selector("#search-results li a")
        titles = seen.page.locator("#search-results li a").all_inner_texts()
        assert QUESTIONS[question] in titles
        assert seen.errors == []
        assert seen.offsite == []
        seen.page.locator("#search-results li a", has_text=QUESTIONS[question]).first.click()
        seen.page.wait_for_load_state()
        body = seen.page.locator("article").inner_text()
        assert question in body or question in seen.page.locator("article").text_content()


def test_what_is_in_no_page_is_not_found(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/search.html?q=zzzqqq") as seen:
        seen.page.wait_for_selector("text=did not match any documents")
        assert seen.page.locator("#search-results li").count() == 0
