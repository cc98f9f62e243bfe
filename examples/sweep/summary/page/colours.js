// Colours of scores: viridis, whose steps look equal, over the logarithm of the score.
const viridis = ['440154', '472d7b', '3b528b', '2c728e', '21918c', '28ae80', '5ec962', 'addc30', 'fde725'].map(
  hex => [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16)));
const palette = Array.from({length: 256}, (_, index) => {
  const place = index / 255 * (viridis.length - 1);
  const low = Math.min(Math.floor(place), viridis.length - 2);
  const mixed = viridis[low].map((from, channel) => Math.round(from + (viridis[low + 1][channel] - from) * (place - low)));
  return 'rgb(' + mixed.join(',') + ')';
});

// The scale over the positive ones of `scores`.
function logScale(scores) {
  let least = Infinity, most = 0;
  for (const score of scores) {
    if (score > 0) {
      least = Math.min(least, score);
      most = Math.max(most, score);
    }
  }
  if (most === 0) least = most = 1;
  const low = Math.log10(least), range = Math.max(Math.log10(most) - low, 1e-9);
  const share = score => Math.min(Math.max((Math.log10(score) - low) / range, 0), 1);
  return {least, most, share, colour: score => palette[Math.round(share(score) * 255)]};
}

const themeColour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A canvas of so many CSS pixels, sharp on dense screens as far as memory allows; returns its cleared context.
function sizedContext(canvas, width, height) {
  const densest = Math.sqrt(3e7 / Math.max(width * height, 1));
  const ratio = Math.max(Math.min(window.devicePixelRatio || 1, densest, 16000 / Math.max(width, height, 1)), 0.25);
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = width + 'px';
  canvas.style.height = height + 'px';
  const context = canvas.getContext('2d');
  context.scale(canvas.width / Math.max(width, 1), canvas.height / Math.max(height, 1));
  return context;
}

// One cell: a colour, a dot for an exact zero, a stroke for no score.
function drawCell(context, x, y, width, height, score, scale, theme) {
  if (score > 0) {
    context.fillStyle = scale.colour(score);
    context.fillRect(x, y, width, height);
    return;
  }
  context.fillStyle = theme.empty;
  context.fillRect(x, y, width, height);
  if (score === 0) {
    const dot = Math.max(Math.min(width, height) / 4, 1);
    context.fillStyle = theme.quiet;
    context.fillRect(x + (width - dot) / 2, y + (height - dot) / 2, dot, dot);
  } else {
    context.strokeStyle = theme.quiet;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, y + height);
    context.lineTo(x + width, y);
    context.stroke();
  }
}
const cellTheme = () => ({empty: themeColour('--empty'), quiet: themeColour('--quiet'), text: themeColour('--text')});
