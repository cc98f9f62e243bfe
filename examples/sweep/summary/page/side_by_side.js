// The granularities of one pair: a table of ratios to the pair's default.
(() => {
  const select = byId('side-pair');
  const series = [];  // in sweep order: title and jobs, the reference first
  for (const job of jobs) {
    let entry = series.find(other => other.family === job.family && other.pair === job.pair);
    if (!entry) {
      entry = {family: job.family, pair: job.pair, title: job.series, reference: referenceOf(job), jobs: []};
      series.push(entry);
    }
    entry.jobs.push(job);
  }
  series.forEach((entry, index) => {
    entry.jobs.sort((a, b) => (b === entry.reference) - (a === entry.reference) || a.index - b.index);
    select.append(element('option', {value: index}, entry.title));
  });
  let sorting = null;  // {job, isDescending}; null: model order

  // Each row: name and, per job, the sum over some layers; null where a score is missing.
  function rowsOf(entry) {
    const sum = (list, job) => {
      const scores = list.map(job.scoreOf);
      return list.length === 0 || scores.some(score => score === null || score === undefined)
        ? null : scores.reduce((a, b) => a + b, 0);
    };
    const own = state.layers.filter(layer => entry.jobs.some(job => job.scoreOf(layer) !== null));
    const make = (name, list) => ({name, scores: entry.jobs.map(job => sum(list, job))});
    const rows = byId('side-rows').value === 'layers'
      ? own.map(layer => make(layer.name, [layer]))
      : data.kinds.map((kind, index) => [kind, own.filter(layer => layer.kind === index)])
          .filter(([, list]) => list.length > 0).map(([kind, list]) => make(kind, list));
    // The sums of whole jobs have more digits than those of the rounded scores.
    const isWhole = state.layers.length === layers.length;
    const total = isWhole ? {name: 'all layers', scores: entry.jobs.map(job => job.score)} : make('all ' + own.length + ' shown', own);
    return {total, rows};
  }

  const shownValue = (row, column) => column === 0 ? row.scores[0] : ratioOf(row.scores[column], row.scores[0]);

  function ratioCell(row, column) {
    const value = shownValue(row, column);
    if (column === 0) return element('td', {class: value === null ? 'absent' : null}, scoreText(value));
    if (value === null) {
      const isZero = row.scores[column] === 0;
      return element('td', {class: 'absent'}, isZero ? '0' : ratioText(null));
    }
    const made = element('td', {class: 'ratio'}, ratioText(value));
    // Full colour at a factor of 4.
    const amount = value > 0 ? Math.min(Math.abs(Math.log2(value)) / 2, 1) : 1;
    made.style.setProperty('--tone', value < 1 ? 'var(--better)' : 'var(--worse)');
    made.style.setProperty('--amount', Math.round(amount * 75) + '%');
    return made;
  }

  const headOf = job => job.granularity + (job.effect ? '' : ' (no effect)');

  function sortedRows(entry, rows) {
    if (!sorting || !entry.jobs.includes(sorting.job)) return rows;
    const column = entry.jobs.indexOf(sorting.job);
    const sign = sorting.isDescending ? -1 : 1;
    const value = row => shownValue(row, column);
    return rows.slice().sort((a, b) => (value(a) === null) - (value(b) === null) || sign * (value(a) - value(b)));
  }

  function draw() {
    const entry = series[Number(select.value)];
    const table = byId('side-table');
    if (!entry) return table.replaceChildren();
    const {total, rows} = rowsOf(entry);
    const head = element('tr', {}, element('th', {scope: 'col', class: 'words'}, 'Layer'));
    for (const job of entry.jobs) {
      const isSorted = sorting?.job === job;
      const button = element('button', {type: 'button'}, headOf(job));
      button.addEventListener('click', () => {
        // largest first, smallest first, model order
        sorting = !isSorted ? {job, isDescending: true} : sorting.isDescending ? {job, isDescending: false} : null;
        draw();
        byId('side-table').querySelectorAll('thead button')[entry.jobs.indexOf(job)].focus();
      });
      head.append(element('th', {scope: 'col', title: job.weight + ' : ' + job.activation,
                                 'aria-sort': isSorted ? sorting.isDescending ? 'descending' : 'ascending' : 'none'}, button));
    }
    const line = (row, name) =>
      element('tr', {class: name}, element('th', {scope: 'row'}, row.name), ...entry.jobs.map((_, c) => ratioCell(row, c)));
    table.replaceChildren(element('thead', {}, head),
                          element('tbody', {}, line(total, 'total'), ...sortedRows(entry, rows).map(row => line(row, null))));
  }

  byId('side-copy').addEventListener('click', () => {
    const entry = series[Number(select.value)];
    if (!entry) return;
    const {total, rows} = rowsOf(entry);
    const lines = [total, ...sortedRows(entry, rows)].map(row => [row.name, ...entry.jobs.map((_, c) => shownValue(row, c))]);
    copyText(csvText([['layer', ...entry.jobs.map((job, c) => (c === 0 ? 'score ' : 'ratio ') + job.granularity)], ...lines]),
             byId('side-status'), lines.length + ' rows');
  });
  for (const id of ['side-pair', 'side-rows']) byId(id).addEventListener('change', draw);
  views.push(changes => {
    if (changes.job) {
      const found = series.findIndex(entry => entry.jobs.includes(changes.job));
      if (String(found) !== select.value) select.value = found;
    }
    if (changes.job || changes.layers) draw();
  });
})();
