"use strict";
// On every page: the choice of light or dark, and copying.

const THEMES = ["light", "dark"];

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // pages from disk may not be given any storage
  }
}

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

function setUpTheme() {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  choose(THEMES.includes(remembered()) ? remembered() : dark ? "dark" : "light");
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    choose(theme);
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

setUpTheme();
