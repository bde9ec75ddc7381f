"use strict";
// Filters the cases, and says under a picture what is at the pointer or at the arrow keys' place.
const rows = [...document.querySelectorAll("[data-s]")];
const search = document.getElementById("q");
const buttons = [...document.querySelectorAll("button[data-f]")];
let wanted = "";
function filter() {
  const text = search.value.toLowerCase();
  for (const row of rows) {
    row.hidden = (wanted && row.dataset.s !== wanted) || !row.dataset.n.toLowerCase().includes(text);
  }
}
if (search) {
  search.addEventListener("input", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      wanted = button.dataset.f;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      filter();
    });
  }
  document.querySelector(".tools").hidden = false;
}
function follow() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}
addEventListener("hashchange", follow);
follow();
for (const picture of document.querySelectorAll("svg[data-notes]")) {
  const notes = picture.dataset.notes.split(";").map((note) => note.split("|"));
  const line = picture.parentElement.querySelector("output");
  let at = -1;
  const say = (index) => {
    at = Math.max(0, Math.min(notes.length - 1, index));
    line.textContent = picture.dataset.say.replace(/\{(\d)\}/g, (_, figure) => notes[at][1 + Number(figure)]);
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * picture.viewBox.baseVal.width;
    let best = 0;
    notes.forEach((note, index) => {
      if (Math.abs(note[0] - x) < Math.abs(notes[best][0] - x)) best = index;
    });
    say(best);
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      say(at + step);
    }
  });
}
