// Pictures from files and from the camera.

import { button, make } from "./make.js";

const hasCamera = () => window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);
const isHeld = () => matchMedia("(pointer: coarse)").matches;

// Buttons that give files to `take`: choose, drop, and the camera where there is one.
export const sources = ({ accept, name, multiple = false, take, isPicture = true }) => {
  const file = make("input", { type: "file", accept, multiple, className: "file", attributes: { "aria-label": `file for ${name}` } });
  file.onchange = () => {
    take([...file.files]);
    file.value = "";
  };
  const bar = make("div", { className: "row sources" }, file);
  if (isPicture && isHeld()) bar.append(photograph(name, take));
  else if (isPicture && hasCamera()) bar.append(button("Camera", () => shoot(take, bar)));
  bar.ondragover = (event) => event.preventDefault();
  bar.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files].slice(0, multiple ? undefined : 1));
  };
  return bar;
};

// A telephone's own camera.
const photograph = (name, take) => {
  const input = make("input", { type: "file", accept: "image/*", className: "file", attributes: { capture: "environment" } });
  input.onchange = () => {
    take([...input.files]);
    input.value = "";
  };
  return make("label", { className: "photograph" }, `Photograph for ${name}`, input);
};

// The camera of a computer, in a dialog.
const shoot = async (take, place) => {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    place.querySelector(".note")?.remove();
    place.append(make("p", { className: "note", attributes: { role: "status" } }, `The camera gives no picture: ${error.message}`));
    return;
  }
  const video = make("video", { autoplay: true, muted: true, playsInline: true, srcObject: stream });
  const dialog = make("dialog", { attributes: { "aria-label": "Camera" } }, video);
  const snap = () => {
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => take([new File([blob], "camera.png", { type: "image/png" })]));
    dialog.close();
  };
  dialog.append(make("div", { className: "row" }, button("Take the picture", snap, { className: "strong" }), button("Cancel", () => dialog.close())));
  dialog.onclose = () => {
    stream.getTracks().forEach((track) => track.stop());
    dialog.remove();
  };
  place.append(dialog);
  dialog.showModal();
};
