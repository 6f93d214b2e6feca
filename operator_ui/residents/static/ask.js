// Puts where the reader is into the form, when they ask for it. To some hundred metres: that is enough to choose a site.
"use strict";
(() => {
  const PLACES = 3;
  const button = document.getElementById("locate"), said = document.getElementById("located");
  const put = (name, degrees) => { document.getElementById(name).value = degrees; };

  function found(position) {
    put("latitude", position.coords.latitude.toFixed(PLACES));
    put("longitude", position.coords.longitude.toFixed(PLACES));
    said.textContent = button.dataset.found;
  }

  function failed() {
    put("latitude", "");
    put("longitude", "");
    said.textContent = button.dataset.failed;
  }

  if (!navigator.geolocation) return;
  button.hidden = false;
  button.addEventListener("click", () =>
    navigator.geolocation.getCurrentPosition(found, failed, { maximumAge: 60000, timeout: 10000 }));
  if (document.getElementById("latitude").value) said.textContent = button.dataset.found;
})();
