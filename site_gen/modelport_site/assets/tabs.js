// Opens the tabs that the reader chose last, or that the address names; before Material's own script looks at them.
"use strict";
(() => {
  const chosen = __md_get("__tabs");
  for (const set of Array.isArray(chosen) ? document.querySelectorAll(".tabbed-set") : []) {
    const labels = [...set.querySelectorAll(".tabbed-labels label")];
    const label = chosen.map((text) => labels.find((one) => one.innerText.trim() === text)).find(Boolean);
    if (label) document.getElementById(label.htmlFor).checked = true;
  }
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.name?.startsWith("__tabbed_")) target.checked = true;
})();
