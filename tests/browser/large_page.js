// A user at the page of 252 layers and 144 jobs: keyboard, pointer, filters, sorting, copying, themes. Expectations
// come from the data in the page, read here once more.
(async () => {
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId('data').textContent);
  const names = data.layers.map(layer => layer[1]);
  const labels = data.jobs.map(job => job.label);
  const scroll = byId('heat-scroll'), body = document.querySelector('#heat-body canvas');
  const press = (target, key, more = {}) => target.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true,
      cancelable: true, ...more}));
  const type = (id, text) => {
    byId(id).value = text;
    byId(id).dispatchEvent(new Event('input', {bubbles: true}));
  };
  const choose = (id, value) => {
    byId(id).value = value;
    byId(id).dispatchEvent(new Event('change', {bubbles: true}));
  };
  const cellText = () => byId('heat-cell').textContent;
  const cellIs = (name, layer, job) => {
    const text = cellText(), score = data.jobs[job].scores[layer];
    check(name, text.startsWith(names[layer] + ',') && text.includes(labels[job] + ': ' +
        (score === null ? 'no score' : score === 0 ? '0' : score.toExponential(2))), text);
  };
  const settle = () => new Promise(resolve => setTimeout(resolve, 20));
  await settle();

  // what is there
  same('layers and jobs', [names.length, labels.length], [252, 144]);
  check('facts', byId('facts').textContent.includes('252 layers') && byId('facts').textContent.includes('144 jobs'),
      byId('facts').textContent);
  same('grid of the heat map', [scroll.getAttribute('role'), scroll.getAttribute('aria-rowcount'),
      scroll.getAttribute('aria-colcount')], ['grid', '252', '144']);
  same('current cell', scroll.getAttribute('aria-activedescendant'), 'heat-cell');
  const unnamed = [...document.querySelectorAll('button, input, select, a, canvas[role], svg, section, [tabindex="0"]')].filter(node => {
    const isNamed = node.textContent.trim() || node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') ||
        node.closest('label')?.textContent.trim();
    return !isNamed;
  });
  same('every control has a name', unnamed.map(node => node.outerHTML.slice(0, 80)), []);
  same('every head of a table says of what', document.querySelectorAll('th:not([scope])').length, 0);

  // keyboard
  scroll.focus();
  same('the heat map takes the focus', document.activeElement.id, 'heat-scroll');
  const byKind = data.layers.map((layer, index) => index).sort((a, b) => data.layers[a][2] - data.layers[b][2] || a - b);
  cellIs('first cell', byKind[0], 0);
  press(scroll, 'ArrowDown');
  press(scroll, 'ArrowDown');
  for (let i = 0; i < 3; ++i) press(scroll, 'ArrowRight');
  press(scroll, 'ArrowLeft');
  press(scroll, 'ArrowUp');
  cellIs('arrows', byKind[1], 2);
  press(scroll, 'End');
  cellIs('End', byKind[1], 143);
  press(scroll, 'ArrowRight');
  cellIs('stays at the edge', byKind[1], 143);
  press(scroll, 'End', {ctrlKey: true});
  cellIs('Ctrl+End', byKind[251], 143);
  check('the cell was scrolled to', scroll.scrollTop > 0 || scroll.scrollHeight <= scroll.clientHeight, scroll.scrollTop);
  const cursor = byId('heat-cursor').getBoundingClientRect(), seen = scroll.getBoundingClientRect();
  check('the cell is in sight', cursor.bottom <= seen.bottom + 1 && cursor.right <= seen.right + 1 && cursor.top >= seen.top &&
      cursor.left >= seen.left, JSON.stringify([cursor, seen]));
  press(scroll, 'PageUp');
  check('PageUp', Number(byId('heat-row').getAttribute('aria-rowindex')) < 252);
  press(scroll, 'Home', {ctrlKey: true});
  cellIs('Ctrl+Home', byKind[0], 0);
  for (let i = 0; i < 30; ++i) press(scroll, 'ArrowRight');
  press(scroll, 'Enter');
  same('Enter chooses the job', [byId('table-job').value, byId('side-pair').selectedOptions[0].textContent], ['30', data.jobs[30].pair]);

  // colours: the extremes of the scale, a zero and a missing score
  const positions = (() => {  // of rows and columns, read from the cursor
    const at = {};
    return (row, column) => {
      press(scroll, 'Home', {ctrlKey: true});
      for (let i = 0; i < row; ++i) press(scroll, 'ArrowDown');
      for (let i = 0; i < column; ++i) press(scroll, 'ArrowRight');
      const style = byId('heat-cursor').style;
      at.x = parseFloat(style.left) + 1;
      at.y = parseFloat(style.top) + 1;
      at.width = parseFloat(style.width) - 2;
      at.height = parseFloat(style.height) - 2;
      return {...at};
    };
  })();
  const pixels = (layer, job) => {
    const at = positions(byKind.indexOf(layer), job);
    const ratio = body.width / body.clientWidth;
    return body.getContext('2d').getImageData(Math.round(at.x * ratio), Math.round(at.y * ratio), Math.max(1,
        Math.floor((at.width - 1) * ratio)), Math.max(1, Math.floor((at.height - 1) * ratio))).data;
  };
  const near = (found, wanted) => wanted.every((value, i) => Math.abs(found[i] - value) <= 6);
  let least = null, most = null, zero = null, missing = null;
  data.jobs.forEach((job, j) => job.scores.forEach((score, l) => {
    if (score === null) missing ??= [l, j];
    else if (score === 0) zero ??= [l, j];
    else {
      if (!least || score < data.jobs[least[1]].scores[least[0]]) least = [l, j];
      if (!most || score > data.jobs[most[1]].scores[most[0]]) most = [l, j];
    }
  }));
  check('smallest score is violet', near(pixels(...least), [0x44, 0x01, 0x54]), [...pixels(...least).slice(0, 4)]);
  check('largest score is yellow', near(pixels(...most), [0xfd, 0xe7, 0x25]), [...pixels(...most).slice(0, 4)]);
  const zeroPixels = [...pixels(...zero)], missingPixels = [...pixels(...missing)];
  check('zero and missing look different', JSON.stringify(zeroPixels) !== JSON.stringify(missingPixels));
  check('zero is off the scale', !near(zeroPixels, [0x44, 0x01, 0x54]), zeroPixels.slice(0, 4));
  positions(byKind.indexOf(missing[0]), missing[1]);
  check('a missing score is named', cellText().includes('no score'), cellText());
  positions(byKind.indexOf(zero[0]), zero[1]);
  check('a zero is named', cellText().includes(labels[zero[1]] + ': 0;'), cellText());

  // pointer
  const at = positions(5, 4);
  const box = body.getBoundingClientRect();
  const pointer = {bubbles: true, clientX: box.left + at.x + 2, clientY: box.top + at.y + 2};
  press(scroll, 'Home', {ctrlKey: true});
  const moved = body.getBoundingClientRect();
  pointer.clientX += moved.left - box.left;
  pointer.clientY += moved.top - box.top;
  body.dispatchEvent(new MouseEvent('mousemove', pointer));
  check('tooltip', !byId('tooltip').hidden && byId('tooltip').textContent.includes(names[byKind[5]]) &&
      byId('tooltip').textContent.includes(labels[4]), byId('tooltip').textContent);
  body.dispatchEvent(new MouseEvent('click', pointer));
  cellIs('a click moves the cell', byKind[5], 4);
  same('a click chooses the job', byId('table-job').value, '4');
  byId('heat-body').dispatchEvent(new MouseEvent('mouseleave'));
  check('the tooltip goes', byId('tooltip').hidden);

  // filters
  const rowCount = () => Number(scroll.getAttribute('aria-rowcount')), columnCount = () => Number(scroll.getAttribute('aria-colcount'));
  type('layer-filter', 'MLP down');
  same('words', [rowCount(), byId('filter-status').textContent], [36, '36 of 252 layers, 144 of 144 jobs']);
  type('layer-filter', '/layers\\.(0|1)\\./');
  same('expression', rowCount(), 14);
  type('layer-filter', '/(/');
  same('a broken expression is marked and changes nothing', [byId('layer-filter').getAttribute('aria-invalid'), rowCount()], ['true', 14]);
  type('layer-filter', 'nothing like it');
  check('an empty choice says so', !byId('heat-empty').hidden && scroll.hidden);
  type('layer-filter', '');
  same('all layers again', [rowCount(), byId('layer-filter').getAttribute('aria-invalid'), scroll.hidden], [252, 'false', false]);
  type('job-filter', 'wint4_aint8');
  same('jobs', [columnCount(), document.querySelectorAll('#scatter-holder .mark').length], [9, 9]);
  same('rows of the table', document.querySelectorAll('#table tbody tr').length, 9);
  const inside = scroll.getAttribute('aria-colcount');
  byId('scale-shown').click();
  byId('scale-shown').click();
  same('the scale alone hides nothing', scroll.getAttribute('aria-colcount'), inside);
  type('job-filter', '');
  same('all jobs again', columnCount(), 144);

  // orders
  choose('row-order', 'model');
  press(scroll, 'Home', {ctrlKey: true});
  press(scroll, 'ArrowDown');
  cellIs('model order', 1, 0);
  choose('row-order', 'score');
  press(scroll, 'Home', {ctrlKey: true});
  check('largest score first', cellText().startsWith(names[most[0]] + ','), cellText());
  choose('column-order', 'score');
  press(scroll, 'Home', {ctrlKey: true});
  const smallest = data.jobs.reduce((best, job) => job.score < best.score ? job : best);
  check('smallest sum first', cellText().includes(smallest.label + ': '), cellText());
  for (const order of ['size', 'layer', 'name', 'sweep']) choose('column-order', order);
  for (const order of ['job', 'name', 'kind']) choose('row-order', order);
  press(scroll, 'Home', {ctrlKey: true});
  cellIs('first order again', byKind[0], 0);
  const widthBefore = body.clientWidth;
  type('cell-size', '5');
  check('cell size', body.clientWidth < widthBefore, body.clientWidth + ' of ' + widthBefore);
  type('cell-size', '11');

  // granularities side by side
  choose('side-pair', '3');
  const own = data.jobs.filter(job => job.pair === byId('side-pair').selectedOptions[0].textContent);
  const rows = () => [...document.querySelectorAll('#side-table tbody tr')];
  const texts = row => [...row.children].map(cell => cell.textContent);
  same('a column per granularity', texts(document.querySelector('#side-table thead tr')), ['Layer', ...own.map(job => job.granularity)]);
  same('rows of layers', rows().length, 253);
  same('ratios of a layer', texts(rows()[8]), [names[7], own[0].scores[7].toExponential(2),
      ...own.slice(1).map(job => (job.scores[7] / own[0].scores[7]).toPrecision(3))]);
  same('ratios of the sums', texts(rows()[0])[2], own[1].ratio.toPrecision(3));
  const column = () => rows().slice(1).map(row => Number(row.children[2].textContent));
  const isSorted = (list, sign) => list.every((value, i) => i === 0 || sign * (list[i - 1] - value) <= 0);
  const sorter = () => document.querySelectorAll('#side-table thead button')[1];
  sorter().click();
  check('largest ratio first', isSorted(column(), -1) && sorter().parentNode.getAttribute('aria-sort') === 'descending',
      column().slice(0, 5));
  check('the focus stays', document.activeElement === sorter());
  sorter().click();
  check('smallest ratio first', isSorted(column(), 1) && sorter().parentNode.getAttribute('aria-sort') === 'ascending',
      column().slice(0, 5));
  sorter().click();
  same('model order again', rows()[1].firstChild.textContent, names[0]);
  type('layer-filter', 'up_proj');
  const sum = job => job.scores.filter((_, i) => names[i].includes('up_proj')).reduce((a, b) => a + b, 0);
  same('ratios of some layers', texts(rows()[0]).slice(0, 3), ['all 36 shown', sum(own[0]).toExponential(2),
      (sum(own[1]) / sum(own[0])).toPrecision(3)]);
  type('layer-filter', '');
  choose('side-rows', 'kinds');
  same('kinds of layers', rows().slice(1).map(row => row.firstChild.textContent), data.kinds);
  choose('side-rows', 'layers');

  // score against size
  const marks = () => [...document.querySelectorAll('#scatter-holder .mark')];
  same('a mark per job', marks().length, 144);
  const onFront = marks().filter(mark => mark.classList.contains('on-front')).map(mark => Number(mark.dataset.job)).sort((a, b) => a - b);
  same('the front', onFront, data.jobs.flatMap((job, index) => job.front ? [index] : []));
  const plot = document.querySelector('#scatter-holder svg');
  plot.focus();
  press(plot, 'Home');
  const first = byId('scatter-info').textContent;
  press(plot, 'ArrowRight');
  check('keys walk along the marks', byId('scatter-info').textContent !== first && byId('scatter-info').textContent.includes('MiB'), first);
  press(plot, 'End');
  press(plot, 'Enter');
  check('Enter chooses a mark', byId('scatter-info').textContent.startsWith(labels[Number(byId('table-job').value)] + ':'),
      byId('scatter-info').textContent);

  // tables and copying
  let copied = null;
  Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {writeText: async text => { copied = text; }}});
  const head = index => document.querySelectorAll('#table thead button')[index];
  const firstRow = () => document.querySelector('#table tbody tr').firstChild.textContent;
  head(3).click();
  const largest = data.jobs.reduce((best, job) => job.score > best.score ? job : best);
  same('table by falling score', [firstRow(), head(3).parentNode.getAttribute('aria-sort')], [largest.label, 'descending']);
  head(3).click();
  same('table by rising score', [firstRow(), head(3).parentNode.getAttribute('aria-sort')], [smallest.label, 'ascending']);
  byId('table-copy').click();
  await settle();
  let lines = copied.trimEnd().split('\n');
  same('jobs as CSV', [lines.length, lines[0].split(',').slice(0, 4), lines[1].split(',')[0], Number(lines[1].split(',')[3])],
       [145, ['job', 'weights', 'activations', 'score'], smallest.label, smallest.score]);
  same('the page says so', byId('table-status').textContent, 'Copied 144 rows.');
  type('job-filter', 'wint8');
  byId('matrix-copy').click();
  await settle();
  lines = copied.trimEnd().split('\n').map(line => line.split(','));
  const shown = data.jobs.filter(job => job.label.includes('wint8'));
  same('layers by jobs as CSV', [lines.length, lines[0].length, lines[9].map((text, i) => i === 0 ? text : Number(text))],
       [253, shown.length + 1, [names[8], ...shown.map(job => job.scores[8])]]);
  type('job-filter', '');
  choose('table-view', 'layers');
  choose('table-job', '10');
  same('layers of a job', [document.querySelectorAll('#table tbody tr').length, byId('table-job-label').hidden], [252, false]);
  byId('side-copy').click();
  await settle();
  same('side by side as CSV', copied.trimEnd().split('\n').length, 254);
  Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {writeText: async () => { throw new Error('refused'); }}});
  byId('table-copy').click();
  await settle();
  check('without a clipboard it still answers', byId('table-status').textContent.length > 0 &&
      !document.querySelector('textarea'), byId('table-status').textContent);

  // themes
  const background = () => getComputedStyle(document.body).backgroundColor;
  const emptyPixel = () => [...pixels(...zero)].slice(0, 3);
  byId('theme').click();
  const light = [background(), emptyPixel(), byId('theme').textContent];
  byId('theme').click();
  const dark = [background(), emptyPixel(), byId('theme').textContent];
  same('theme names', [light[2], dark[2]], ['Theme: light', 'Theme: dark']);
  check('themes differ', light[0] !== dark[0] && String(light[1]) !== String(dark[1]), JSON.stringify([light, dark]));
  byId('theme').click();
  same('automatic theme', document.documentElement.dataset.theme, undefined);
  finish();
})().catch(fault => {
  check('the checks ran to their end', false, fault.stack);
  finish();
});
