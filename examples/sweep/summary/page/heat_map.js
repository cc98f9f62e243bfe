// The heat map: three canvases (job names, layer names, cells), a cell that the keyboard moves, a tooltip.
const heatMap = (() => {
  const font = size => size + 'px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
  const gap = 5;             // between groups
  const stripWidth = 18;     // titles of groups
  const longestLabel = 190;  // job names are cut there
  const [scroll, rowsBox, columnsBox, bodyBox] = ['heat-scroll', 'heat-rows', 'heat-columns', 'heat-body'].map(byId);
  const [rowsCanvas, columnsCanvas, bodyCanvas] = [rowsBox, columnsBox, bodyBox].map(box => box.firstElementChild);
  const cursor = byId('heat-cursor');
  const measure = document.createElement('canvas').getContext('2d');
  const fullScale = logScale(jobs.flatMap(job => job.scores ?? []));
  let rows = [], columns = [], cell = 12, scale = fullScale, at = {row: 0, column: 0};

  const widthOf = (text, size) => {
    measure.font = font(size);
    return measure.measureText(text).width;
  };
  // Cuts a text to a width.
  const fitted = (text, size, width) => {
    if (widthOf(text, size) <= width) return text;
    let length = text.length;
    while (length > 1 && widthOf(text.slice(0, length) + '\u2026', size) > width) --length;
    return text.slice(0, length) + '\u2026';
  };

  // The largest first; nothing last.
  const descending = value => (a, b) => (value(b) ?? -1) - (value(a) ?? -1);
  const ascending = value => (a, b) => (value(a) ?? Infinity) - (value(b) ?? Infinity);
  const byName = (a, b) => a < b ? -1 : a > b ? 1 : 0;

  function orderedRows() {
    const order = byId('row-order').value;
    const list = state.layers.slice();
    if (order === 'kind') {
      list.sort((a, b) => a.model - b.model || a.kind - b.kind || a.index - b.index);
      return list.map(layer => ({layer, group: layer.model + ' ' + layer.kind, title: shortKinds[layer.kind],
                                 label: layer.depth === null ? '' : String(layer.depth)}));
    }
    if (order === 'model') {
      return list.map(layer => ({layer, group: layer.model + ' ' + layer.depth,
                                 title: layer.depth === null ? '' : String(layer.depth), label: shortKinds[layer.kind]}));
    }
    if (order === 'score') list.sort(descending(layer => Math.max(...state.jobs.map(job => job.scoreOf(layer) ?? -1))));
    if (order === 'job' && state.job) list.sort(descending(state.job.scoreOf));
    if (order === 'name') list.sort((a, b) => byName(a.name, b.name));
    return list.map(layer => ({layer, group: '', title: '', label: layer.short}));
  }

  function orderedColumns() {
    const order = byId('column-order').value;
    const list = state.jobs.slice();
    if (order === 'score') list.sort(ascending(job => job.score));
    if (order === 'size') list.sort(ascending(job => job.bytes));
    if (order === 'layer' && state.layer) list.sort(ascending(job => job.scoreOf(state.layer)));
    if (order === 'name') list.sort((a, b) => byName(a.label, b.label));
    const isGrouped = order === 'sweep' || order === 'name';
    return list.map(job => ({job, group: isGrouped ? job.series : '', label: job.label}));
  }

  // Gives each item its place along an axis; returns the groups with theirs.
  function place(items, size) {
    const groups = [];
    let position = 0;
    items.forEach((item, index) => {
      if (index === 0 || items[index - 1].group !== item.group) {
        if (index > 0) position += gap;
        groups.push({title: item.title, name: item.group, begin: position, items: []});
      }
      item.at = position;
      position += size;
      const group = groups[groups.length - 1];
      group.end = position;
      group.items.push(item);
    });
    return {groups, total: position};
  }

  const rowHeight = () => Math.min(Math.max(cell, 4), 20);

  function drawRows(groups, total, theme) {
    const size = Math.min(11, Math.max(rowHeight() - 1, 9));
    const step = Math.ceil(size / rowHeight());  // names of every so many rows have room
    const hasStrip = groups.some(group => group.title);
    // A title that is longer than its group stands in the row instead.
    for (const group of groups) group.isWide = group.title && widthOf(group.title, 11) > group.end - group.begin - 2;
    const labelOf = (group, item) => group.isWide && group.items.length === 1 ? group.title : item.label;
    let width = 0;
    for (const group of groups) {
      for (const item of group.items) width = Math.max(width, widthOf(labelOf(group, item), size));
    }
    width = Math.ceil(Math.min(width, 260)) + 10 + (hasStrip ? stripWidth : 0);
    const context = sizedContext(rowsCanvas, width, total);
    context.textBaseline = 'middle';
    for (const group of groups) {
      if (group.title && !(group.isWide && group.items.length === 1)) {
        context.save();
        context.translate(stripWidth / 2 + 1, (group.begin + group.end) / 2);
        context.rotate(-Math.PI / 2);
        context.fillStyle = theme.text;
        context.font = font(11);
        context.textAlign = 'center';
        context.fillText(fitted(group.title, 11, group.end - group.begin), 0, 0);
        context.restore();
      }
      context.font = font(size);
      context.textAlign = 'right';
      context.fillStyle = theme.quiet;
      group.items.forEach((item, index) => {
        if (index % step) return;
        context.fillText(fitted(labelOf(group, item), size, 260), width - 5, item.at + rowHeight() / 2);
      });
    }
    return width;
  }

  function drawColumns(groups, total, theme) {
    const size = Math.min(11, Math.max(cell - 1, 8));
    const step = Math.ceil(size / cell);
    const hasTitles = groups.every(group => group.name && widthOf(group.name, 11) <= group.end - group.begin);
    const labelOf = column => fitted(hasTitles ? column.job.granularity : column.label, size, longestLabel);
    const longest = Math.max(...columns.map(column => widthOf(labelOf(column), size)));
    const top = hasTitles ? 18 : 0;
    const height = Math.ceil(longest) + 8 + top;
    const context = sizedContext(columnsCanvas, total, height);
    context.textBaseline = 'middle';
    for (const group of groups) {
      if (hasTitles) {
        context.font = font(11);
        context.fillStyle = theme.text;
        context.textAlign = 'center';
        context.fillText(group.name, (group.begin + group.end) / 2, 9);
      }
      context.font = font(size);
      context.fillStyle = theme.quiet;
      context.textAlign = 'left';
      group.items.forEach((column, index) => {
        if (index % step) return;
        context.save();
        context.translate(column.at + cell / 2, height - 4);
        context.rotate(-Math.PI / 2);
        context.fillText(labelOf(column), 0, 0);
        context.restore();
      });
    }
    return height;
  }

  function drawBody(width, height, theme) {
    const context = sizedContext(bodyCanvas, width, height);
    const line = cell >= 14 ? 1 : 0;  // between cells; small ones read better as a surface
    for (const row of rows) {
      for (const column of columns) {
        drawCell(context, column.at, row.at, cell - line, rowHeight() - line, column.job.scoreOf(row.layer), scale, theme);
      }
    }
  }

  function drawLegend(theme) {
    const width = 260, from = 14, to = width - 14;
    const context = sizedContext(byId('legend-bar'), width, 30);
    for (let x = from; x < to; ++x) {
      context.fillStyle = palette[Math.round((x - from) / (to - from - 1) * 255)];
      context.fillRect(x, 0, 1, 12);
    }
    const first = Math.ceil(Math.log10(scale.least)), last = Math.floor(Math.log10(scale.most));
    const step = Math.max(1, Math.ceil((last - first) / 6));
    context.font = font(10);
    context.textAlign = 'center';
    context.fillStyle = context.strokeStyle = theme.text;
    for (let power = first; power <= last; ++power) {
      const x = Math.round(from + scale.share(10 ** power) * (to - from)) + 0.5;
      context.beginPath();
      context.moveTo(x, 12);
      context.lineTo(x, 16);
      context.stroke();
      if ((power - first) % step === 0) context.fillText('1e' + power, x, 26);
    }
    if (last < first) {
      context.textAlign = 'left';
      context.fillText(scoreText(scale.least), from, 26);
      context.textAlign = 'right';
      context.fillText(scoreText(scale.most), to, 26);
    }
    byId('legend-bar').setAttribute('aria-label',
      'Colours from dark for ' + scoreText(scale.least) + ' to light for ' + scoreText(scale.most) + ', logarithmic');
    for (const [id, score] of [['legend-zero', 0], ['legend-missing', null]])
      drawCell(sizedContext(byId(id), 14, 14), 0, 0, 14, 14, score, scale, theme);
  }

  function describe(row, column) {
    const {layer} = row, {job} = column;
    const score = job.scoreOf(layer);
    const lines = [layer.name + ', ' + layer.out + ' x ' + layer.in, job.label + ': ' + scoreText(score)];
    if (score !== null && score !== undefined) {
      const ratio = ratioOf(score, referenceOf(job).scoreOf(layer));
      lines.push(ratioText(ratio) + ' of ' + referenceOf(job).label +
                 (job.score > 0 ? ', ' + (100 * score / job.score).toPrecision(3) + ' % of the job' : ''));
      lines.push('weights ' + job.weight + ' (' + job.bitsOf(layer) + ' bits), activations ' + job.activation +
                 (job.chosenOf(layer) ? ', chosen ' + job.chosenOf(layer) : ''));
    }
    return lines;
  }

  function showCursor() {
    const row = rows[at.row], column = columns[at.column];
    cursor.hidden = !row || !column;
    if (cursor.hidden) return;
    cursor.style.left = column.at - 1 + 'px';
    cursor.style.top = row.at - 1 + 'px';
    cursor.style.width = cell + 2 + 'px';
    cursor.style.height = rowHeight() + 2 + 'px';
    const text = describe(row, column).join('; ');
    byId('heat-info').textContent = text;
    const gridCell = byId('heat-cell');
    gridCell.textContent = text;
    gridCell.setAttribute('aria-colindex', at.column + 1);
    byId('heat-row').setAttribute('aria-rowindex', at.row + 1);
  }

  // Scrolls so that the cell is not hidden, the names at the sides included.
  function reveal() {
    const row = rows[at.row], column = columns[at.column];
    if (!row || !column) return;
    const seenWidth = scroll.clientWidth - rowsBox.offsetWidth, seenHeight = scroll.clientHeight - columnsBox.offsetHeight;
    const into = (position, size, shown, length) =>
      position < shown ? position : position + size > shown + length ? position + size - length : shown;
    scroll.scrollLeft = into(column.at - 4, cell + 8, scroll.scrollLeft, seenWidth);
    scroll.scrollTop = into(row.at - 4, rowHeight() + 8, scroll.scrollTop, seenHeight);
  }

  function moveTo(row, column) {
    at = {row: Math.min(Math.max(row, 0), rows.length - 1), column: Math.min(Math.max(column, 0), columns.length - 1)};
    state.layer = rows[at.row]?.layer ?? state.layer;
    showCursor();
    reveal();
  }

  function draw() {
    const theme = cellTheme();
    const cellLayer = rows[at.row]?.layer, cellJob = columns[at.column]?.job;
    rows = orderedRows();
    columns = orderedColumns();
    const isEmpty = rows.length === 0 || columns.length === 0;
    byId('heat-empty').hidden = !isEmpty;
    scroll.hidden = isEmpty;
    scale = byId('scale-shown').checked && !isEmpty
      ? logScale(columns.flatMap(column => rows.map(row => column.job.scoreOf(row.layer)))) : fullScale;
    drawLegend(theme);
    if (isEmpty) {
      byId('heat-info').textContent = '';
      return;
    }
    const vertical = place(rows, rowHeight()), horizontal = place(columns, cell);
    const left = drawRows(vertical.groups, vertical.total, theme);
    const top = drawColumns(horizontal.groups, horizontal.total, theme);
    byId('heat-corner').style.width = left + 'px';
    byId('heat-corner').style.height = top + 'px';
    drawBody(horizontal.total, vertical.total, theme);
    scroll.setAttribute('aria-rowcount', rows.length);
    scroll.setAttribute('aria-colcount', columns.length);
    // The cell stays with its layer and job where they are still there.
    at = {row: Math.max(rows.findIndex(row => row.layer === cellLayer), 0),
          column: Math.max(columns.findIndex(column => column.job === cellJob), 0)};
    showCursor();
  }

  // The cell under a pointer, or nothing.
  function cellAt(event) {
    const box = bodyCanvas.getBoundingClientRect();
    const index = (items, size, position) => items.findIndex(item => position >= item.at && position < item.at + size);
    const row = index(rows, rowHeight(), event.clientY - box.top), column = index(columns, cell, event.clientX - box.left);
    return row < 0 || column < 0 ? null : {row, column};
  }

  scroll.addEventListener('keydown', event => {
    const page = Math.max(1, Math.floor((scroll.clientHeight - columnsBox.offsetHeight) / rowHeight()) - 1);
    const far = event.ctrlKey;
    const moves = {
      ArrowUp: [at.row - 1, at.column], ArrowDown: [at.row + 1, at.column],
      ArrowLeft: [at.row, at.column - 1], ArrowRight: [at.row, at.column + 1],
      Home: [far ? 0 : at.row, 0], End: [far ? Infinity : at.row, Infinity],
      PageUp: [at.row - page, at.column], PageDown: [at.row + page, at.column],
    };
    if (moves[event.key]) {
      event.preventDefault();
      moveTo(...moves[event.key]);
    } else if ((event.key === 'Enter' || event.key === ' ') && columns[at.column]) {
      event.preventDefault();
      change({job: columns[at.column].job});
    }
  });
  bodyBox.addEventListener('mousemove', event => {
    const found = cellAt(event);
    const tooltip = byId('tooltip');
    tooltip.hidden = !found;
    if (!found) return;
    tooltip.textContent = describe(rows[found.row], columns[found.column]).join('\n');
    const width = tooltip.offsetWidth, height = tooltip.offsetHeight;
    tooltip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8)) + 'px';
    tooltip.style.top = (event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18) + 'px';
  });
  bodyBox.addEventListener('mouseleave', () => { byId('tooltip').hidden = true; });
  bodyBox.addEventListener('click', event => {
    const found = cellAt(event);
    if (!found) return;
    moveTo(found.row, found.column);
    change({job: columns[found.column].job});
  });

  for (const id of ['row-order', 'column-order', 'scale-shown']) byId(id).addEventListener('change', draw);
  byId('cell-size').addEventListener('input', () => {
    cell = Number(byId('cell-size').value);
    draw();
    reveal();
  });

  // As large as fits the window, but never too small to point at.
  function firstSize() {
    const gaps = gap * new Set(jobs.map(job => job.series)).size;
    const fitting = Math.floor((scroll.clientWidth - 120 - gaps) / Math.max(jobs.length, 1));
    cell = Math.min(Math.max(fitting, 10), 24);
    byId('cell-size').value = cell;
  }

  views.push(changes => {
    const order = byId('row-order').value;
    if (changes.layers || changes.jobs || changes.theme || (changes.job && order === 'job')) draw();
  });
  return {firstSize, draw, shown: () => ({rows, columns, at, cell})};
})();
