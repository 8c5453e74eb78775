"use strict";
// On every page: the choice of light or dark, and copying. Read before the page is, which never shows the other choice.

const THEMES = ["light", "dark"];

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // pages from disk may not be given any storage
  }
}

function chosen() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return THEMES.includes(remembered()) ? remembered() : dark ? "dark" : "light";
}

function setUpButton() {
  const button = document.getElementById("theme");
  const show = (theme) => (button.textContent = theme === "dark" ? "Light" : "Dark");
  show(document.documentElement.dataset.theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    show(theme);
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // it holds for this page alone
    }
  });
}

// Copies a text; where the clipboard is refused, by way of a selection beside the button that was pressed.
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
}

// The data that a page holds.
function pageData() {
  return JSON.parse(document.getElementById("data").textContent);
}

document.documentElement.dataset.theme = chosen();
document.addEventListener("DOMContentLoaded", setUpButton);
