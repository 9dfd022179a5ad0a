// "/" goes to the search box from anywhere, and a link to a device on a model's page chooses it there. The list's own
// scripts are in list/.
"use strict";
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || busy) return;
  const boxes = [...document.querySelectorAll("[data-mp-search]")];
  const box = boxes.reverse().find((one) => one.offsetParent !== null);
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

const chooseDevice = () => {
  const choice = location.hash.startsWith("#device-") && document.getElementById(location.hash.slice(1));
  if (choice && choice.type === "radio") choice.checked = true;
};
window.addEventListener("hashchange", chooseDevice);
chooseDevice();
