// Which tensors are pictures, and how pixels become their numbers and back.
// A layout is {many, height, width, channels, first, low, high}: whether it holds several pictures, their size (null: any),
// 1 for grey, 3 or 4, whether channels come first, and the values of black and white.

const LEAST = 8; // a side of a picture; less is a matrix
const ANY = 256; // the longest side of a picture whose size is free

const isSide = (size) => Number.isInteger(size) && size >= LEAST;
const isChannels = (size) => size === 1 || size === 3 || size === 4;
const side = (size) => (Number.isInteger(size) ? size : null);

// One picture's shape; `free` allows sides of any length, which only channels make certain.
const single = (shape, isByte) => {
  const [a, b, c] = shape;
  if (shape.length === 2 && isSide(a) && isSide(b)) return { height: a, width: b, channels: 0 };
  if (shape.length !== 3) return null;
  const free = (size) => isSide(size) || (!Number.isInteger(size) && isByte);
  if (isChannels(c) && free(a) && free(b)) return { height: side(a), width: side(b), channels: c };
  if (isChannels(a) && isSide(b) && isSide(c)) return { height: b, width: c, channels: a, first: true };
  return null;
};

export const layoutOf = ({ dtype, shape }, field) => {
  if (dtype !== "uint8" && !/^float/.test(dtype)) return null;
  const isByte = dtype === "uint8";
  const alone = single(shape, isByte);
  const several = !alone && !isSide(shape[0]) ? single(shape.slice(1), isByte) : null;
  const found = alone ?? several;
  if (!found) return null;
  const low = field.minimum ?? 0;
  const high = field.maximum ?? (isByte ? 255 : 1);
  return { ...found, many: !alone, isWhole: isByte, low, high };
};

export const sizeOf = (layout, source) => {
  const longest = Math.max(source.width, source.height);
  const scale = Math.min(1, ANY / longest);
  return {
    width: layout.width ?? Math.max(1, Math.round(source.width * scale)),
    height: layout.height ?? Math.max(1, Math.round(source.height * scale)),
  };
};

// The picture's values, as nested lists, from a canvas that has its size.
export const toValues = (canvas, layout, isInverted) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const scaled = (byte) => {
    const part = (isInverted ? 255 - byte : byte) / 255;
    const value = layout.low + part * (layout.high - layout.low);
    return layout.isWhole ? Math.round(value) : Number(value.toFixed(4));
  };
  const at = (y, x, channel) => {
    const start = 4 * (y * width + x);
    if (channel === 3) return layout.isWhole ? data[start + 3] : layout.high;
    // Grey as people see it (ITU-R BT.601).
    const grey = () => Math.round(0.299 * data[start] + 0.587 * data[start + 1] + 0.114 * data[start + 2]);
    return scaled(layout.channels >= 3 ? data[start + channel] : grey());
  };
  const range = (size, make) => Array.from({ length: size }, (_, index) => make(index));
  const plane = (channel) => range(height, (y) => range(width, (x) => at(y, x, channel)));
  if (layout.channels === 0) return plane(0);
  if (layout.first) return range(layout.channels, plane);
  return range(height, (y) => range(width, (x) => range(layout.channels, (channel) => at(y, x, channel))));
};

// A canvas that shows one picture's values; null when they are none.
export const toCanvas = (values, layout) => {
  const plane = layout.first ? values[0] : values;
  const [height, width] = [plane?.length, plane?.[0]?.length];
  if (!height || !width) return null;
  const value = (y, x, channel) => {
    if (layout.channels === 0) return values[y]?.[x];
    const index = layout.channels >= 3 ? channel : 0;
    return layout.first ? values[index]?.[y]?.[x] : values[y]?.[x]?.[index];
  };
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      for (let channel = 0; channel < 4; channel += 1) {
        const part = (Number(value(y, x, channel)) - layout.low) / (layout.high - layout.low);
        image.data[4 * (y * width + x) + channel] = channel === 3 ? 255 : 255 * part;
      }
  context.putImageData(image, 0, 0);
  return canvas;
};

// Draw a picture on a canvas of the layout's size: whole with a border, cut, or stretched.
export const scaled = (source, layout, fit) => {
  const { width, height } = sizeOf(layout, source);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = corner(source);
  context.fillRect(0, 0, width, height);
  const [across, down] = [width / source.width, height / source.height];
  const scale = fit === "whole" ? Math.min(across, down) : Math.max(across, down);
  const [w, h] = fit === "stretched" ? [width, height] : [source.width * scale, source.height * scale];
  context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h);
  return canvas;
};

// The colour of the picture's corner: what is around it goes on in it.
const corner = (source) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, 1, 1);
  context.drawImage(source, 0, 0, 1, 1, 0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${red} ${green} ${blue})`;
};
