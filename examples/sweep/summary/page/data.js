// The data of the sweep, what is shown of it, and small helpers that all views use.
const data = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);

const lastPart = kind => kind.slice(kind.lastIndexOf('.') + 1);
const shortKinds = data.kinds.map(kind =>
  data.kinds.filter(other => lastPart(other) === lastPart(kind)).length > 1 ? kind : lastPart(kind));
const layers = data.layers.map(([model, name, kind, depth, out, columns], index) => ({
  index, model, kind, depth, out, in: columns, elements: out * columns,
  name: data.models.length > 1 ? data.models[model] + ' ' + name : name,
  short: depth === null ? shortKinds[kind] : depth + ' ' + shortKinds[kind],
}));
const jobs = data.jobs.map((job, index) => {
  const perLayer = value => Array.isArray(value) ? layer => value[layer.index] : () => value;
  const bits = perLayer(job.bits), chosen = perLayer(job.chosen);
  return {
    ...job, index,
    model: data.models[job.model],
    series: [job.pair, job.variant, data.models.length > 1 ? data.models[job.model] : ''].filter(Boolean).join(' '),
    scoreOf: layer => job.scores[layer.index],
    bitsOf: bits,
    chosenOf: layer => data.formats[chosen(layer)] ?? '',
  };
});
const referenceOf = job => jobs[job.reference];

// What all views show. A view is redrawn by its entry in `views` after every change.
const state = {layers: layers.slice(), jobs: jobs.slice(), job: jobs[0] ?? null, layer: layers[0] ?? null};
const views = [];
function change(changes) {
  Object.assign(state, changes);
  for (const view of views) view(changes);
}

// An element with attributes and children; texts become text, never markup.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

const scoreText = score => score === null || score === undefined ? 'no score' : score === 0 ? '0' : score.toExponential(2);
const ratioText = ratio => ratio === null || ratio === undefined || !isFinite(ratio) ? '\u2013' : ratio.toPrecision(3);
const mebibytes = bytes => bytes / 1048576;
const ratioOf = (score, reference) =>
  score === null || score === undefined || !(reference > 0) ? null : score / reference;

// Words that must all occur, or a regular expression between slashes; capitals do not count.
function textFilter(text) {
  const trimmed = text.trim();
  const expression = /^\/(.*)\/$/.exec(trimmed) ?? /^\/(.*)$/.exec(trimmed);
  if (expression) {
    const pattern = new RegExp(expression[1], 'i');
    return value => pattern.test(value);
  }
  const words = trimmed.toLowerCase().split(/\s+/).filter(Boolean);
  return value => words.every(word => value.toLowerCase().includes(word));
}

const csvField = value => {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
};
const csvText = rows => rows.map(row => row.map(csvField).join(',') + '\n').join('');

async function copyText(text, status, what) {
  let isDone = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // older browsers, and pages that may not use the clipboard interface
    const area = element('textarea', {class: 'visually-hidden'});
    area.value = text;
    document.body.append(area);
    area.select();
    isDone = document.execCommand('copy');
    area.remove();
  }
  status.textContent = isDone ? 'Copied ' + what + '.' : 'The browser does not allow copying.';
}
