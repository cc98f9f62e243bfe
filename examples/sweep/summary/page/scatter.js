// Sum of scores against size of weights, with the Pareto front of what is shown.
const scatter = (() => {
  const holder = byId('scatter-holder');
  const width = 1000, height = 460, left = 70, right = 190, top = 16, bottom = 46;
  // Wong's colours, told apart with any colour vision; shapes repeat the distinction.
  const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8f7f1b', '#7f7f7f'];
  const shapes = [
    'M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z', 'M-4.5,-4.5h9v9h-9Z', 'M0,-6L5.5,4.5H-5.5Z', 'M0,-6.5L5.5,0L0,6.5L-5.5,0Z',
    'M0,6L5.5,-4.5H-5.5Z', 'M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4Z',
  ];
  const activationType = job => job.activation.split('/')[0];
  const types = [...new Set(jobs.map(activationType))];
  const families = [...new Set(jobs.map(job => job.family))];
  let marks = [], current = 0;

  function svg(tag, attributes = {}, ...children) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  // Jobs that no other one of their family beats; by size.
  function frontOf(list) {
    const front = [];
    for (const job of list.slice().sort((a, b) => a.bytes - b.bytes || a.score - b.score)) {
      const last = front[front.length - 1];
      const isEqual = last && last.bytes === job.bytes && last.score === job.score;
      if (!last || job.score < last.score || isEqual) front.push(job);
    }
    return front;
  }

  // Round numbers from `low` to `high`, about `count` of them.
  function linearTicks(low, high, count) {
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= raw);
    const ticks = [];
    for (let i = Math.ceil(low / step); i * step <= high; ++i) ticks.push(Number((i * step).toPrecision(10)));
    return ticks;
  }

  const describe = job => job.label + ': score ' + scoreText(job.score) + ', ' + mebibytes(job.bytes).toPrecision(4) + ' MiB, ' +
    job.perWeight.toPrecision(4) + ' bits per weight, weights ' + job.weight + ', activations ' + job.activation;

  function show(index) {
    current = index;
    const mark = marks[index];
    byId('scatter-info').textContent = mark ? describe(mark.job) + (mark.isOnFront ? ' (on the front)' : '') : '';
    for (const other of marks) other.node.classList.toggle('chosen', other === mark);
  }

  function draw() {
    marks = [];
    if (state.jobs.length === 0) return holder.replaceChildren();
    const sizes = state.jobs.map(job => mebibytes(job.bytes));
    const span = Math.max(...sizes) - Math.min(...sizes) || Math.max(...sizes) || 1;
    const lowX = Math.max(Math.min(...sizes) - span * 0.05, 0), highX = Math.max(...sizes) + span * 0.05;
    const scale = logScale(state.jobs.map(job => job.score));
    const lowY = Math.log10(scale.least) - 0.1, highY = Math.log10(scale.most) + 0.1;
    const x = job => left + (mebibytes(job.bytes) - lowX) / (highX - lowX) * (width - left - right);
    // an exact zero lies on the axis
    const y = job => job.score > 0 ? top + (highY - Math.log10(job.score)) / (highY - lowY) * (height - top - bottom) : height - bottom;
    const root = svg('svg', {viewBox: '0 0 ' + width + ' ' + height, tabindex: 0, role: 'group',
                             'aria-label': 'Score against size of ' + state.jobs.length +
                                 ' jobs; left and right keys walk along the marks'});
    for (const tick of linearTicks(lowX, highX, 8)) {
      const place = left + (tick - lowX) / (highX - lowX) * (width - left - right);
      root.append(svg('path', {class: 'axis', d: 'M' + place + ',' + top + 'V' + (height - bottom)}),
                  svg('text', {x: place, y: height - bottom + 17, 'text-anchor': 'middle', class: 'quiet'}, String(tick)));
    }
    const yTicks = [];
    for (let power = Math.ceil(lowY); power <= highY; ++power) yTicks.push(power);
    for (const power of yTicks) {
      const place = top + (highY - power) / (highY - lowY) * (height - top - bottom);
      root.append(svg('path', {class: 'axis', d: 'M' + left + ',' + place + 'H' + (width - right)}),
                  svg('text', {x: left - 7, y: place + 4, 'text-anchor': 'end', class: 'quiet'}, '1e' + power));
    }
    root.append(svg('path', {class: 'axis', d: 'M' + left + ',' + top + 'V' + (height - bottom) + 'H' + (width - right)}),
                svg('text', {x: (left + width - right) / 2, y: height - 8, 'text-anchor': 'middle'}, 'weights with scales, MiB'),
                svg('text', {x: 0, y: 0, 'text-anchor': 'middle', transform: 'translate(16,' + height / 2 + ') rotate(-90)'},
                    'sum of scores'));

    const front = new Set();
    for (const family of families) {
      const line = frontOf(state.jobs.filter(job => job.family === family));
      line.forEach(job => front.add(job));
      const path = line.map((job, i) => (i === 0 ? 'M' + x(job) : 'H' + x(job) + 'V') + (i === 0 ? ',' : '') + y(job)).join('');
      if (line.length > 0) root.append(svg('path', {class: 'front', d: path}));
    }
    const order = state.jobs.slice().sort((a, b) => a.bytes - b.bytes || a.score - b.score);
    const boxes = [];  // of names already drawn
    for (const job of order) {
      const type = types.indexOf(activationType(job));
      const isOnFront = front.has(job);
      const node = svg('path', {
        class: 'mark' + (isOnFront ? ' on-front' : ''), d: shapes[type % shapes.length], fill: colours[type % colours.length],
        transform: 'translate(' + x(job) + ',' + y(job) + ')', 'data-job': job.index,
      }, svg('title', {}, describe(job)));
      const index = marks.length;
      node.addEventListener('click', () => {
        show(index);
        change({job});
      });
      marks.push({job, node, isOnFront});
    }
    root.append(...marks.filter(mark => !mark.isOnFront).map(mark => mark.node));
    root.append(...marks.filter(mark => mark.isOnFront).map(mark => mark.node));
    for (const {job, isOnFront} of marks) {
      if (!isOnFront) continue;
      const box = {x: x(job) + 9, y: y(job) - 8, w: job.label.length * 6.6, h: 14};
      if (box.x + box.w > width - 4) box.x = x(job) - 9 - box.w;
      if (boxes.some(o => box.x < o.x + o.w && o.x < box.x + box.w && box.y < o.y + o.h && o.y < box.y + box.h)) continue;
      boxes.push(box);
      root.append(svg('text', {x: box.x, y: box.y + 3, style: 'pointer-events:none'}, job.label));
    }
    types.forEach((type, index) => {
      const place = top + 14 + index * 19;
      root.append(svg('path', {d: shapes[index % shapes.length], fill: colours[index % colours.length],
                               transform: 'translate(' + (width - 150) + ',' + place + ')'}),
                  svg('text', {x: width - 138, y: place + 4}, 'activations ' + type));
    });
    root.addEventListener('keydown', event => {
      const moves = {ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: marks.length - 1};
      if (event.key in moves) {
        event.preventDefault();
        show(Math.min(Math.max(moves[event.key], 0), marks.length - 1));
      } else if (event.key === 'Enter' && marks[current]) {
        event.preventDefault();
        change({job: marks[current].job});
      }
    });
    holder.replaceChildren(root);
    show(Math.max(marks.findIndex(mark => mark.job === state.job), 0));
  }

  views.push(changes => {
    if (changes.jobs) draw();
    else if (changes.job) {
      const index = marks.findIndex(mark => mark.job === changes.job);
      if (index >= 0) show(index);
    }
  });
  return {draw};
})();
