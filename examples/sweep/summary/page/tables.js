// Tables of jobs and of one job's layers, sorted by any column, copied as CSV.
(() => {
  const yes = value => value ? 'yes' : '';
  // A column: title, value (sorted by and copied), shown text, and whether it is text.
  const text = (title, value) => ({title, value, shown: item => String(value(item) ?? ''), isText: true});
  const number = (title, value, shown) => ({title, value, shown: item => value(item) === null ? '\u2013' : shown(value(item))});
  const fixed = digits => value => value.toFixed(digits);
  const jobColumns = [
    text('job', job => job.label),
    text('weights', job => job.weight),
    text('activations', job => job.activation),
    number('score', job => job.score, scoreText),
    number('ratio to default', job => job.ratio, ratioText),
    number('bits per weight', job => job.perWeight, fixed(3)),
    number('MiB', job => mebibytes(job.bytes), value => value.toPrecision(4)),
    text('front', job => yes(job.front)),
    number('bits of the mix', job => job.effective, fixed(3)),
    number('score of the mix', job => job.mixScore, scoreText),
    text('target met', job => yes(job.satisfied)),
    text('effect', job => job.effect ? '' : 'none'),
  ];
  const layerColumns = [
    text('layer', ({layer}) => layer.name),
    text('kind', ({layer}) => data.kinds[layer.kind]),
    number('depth', ({layer}) => layer.depth, String),
    number('out', ({layer}) => layer.out, String),
    number('in', ({layer}) => layer.in, String),
    number('score', ({layer, job}) => job.scoreOf(layer) ?? null, scoreText),
    number('share in %', ({layer, job}) => job.score > 0 ? ratioOf(job.scoreOf(layer), job.score / 100) : null,
        value => value.toPrecision(3)),
    number('bits per weight', ({layer, job}) => job.bitsOf(layer) ?? null, String),
    text('chosen', ({layer, job}) => job.chosenOf(layer)),
  ];
  const sorting = {jobs: null, layers: null};  // {column, isDescending}

  const view = () => byId('table-view').value;
  const columnsOf = () => view() === 'jobs' ? jobColumns : layerColumns;
  function itemsOf() {
    const items = view() === 'jobs' ? state.jobs.slice() : state.job ? state.layers.map(layer => ({layer, job: state.job})) : [];
    const order = sorting[view()];
    if (!order) return items;
    const {value} = columnsOf()[order.column];
    const sign = order.isDescending ? -1 : 1;
    const compared = (a, b) => (a === null) - (b === null) || (a === null ? 0 : sign * (a < b ? -1 : a > b ? 1 : 0));
    return items.sort((a, b) => compared(value(a), value(b)));
  }

  function draw() {
    const isJobs = view() === 'jobs';
    byId('table-job-label').hidden = isJobs;
    const columns = columnsOf();
    const head = element('tr');
    columns.forEach((column, index) => {
      const order = sorting[view()];
      const isSorted = order?.column === index;
      const button = element('button', {type: 'button'}, column.title);
      button.addEventListener('click', () => {
        sorting[view()] = {column: index, isDescending: isSorted ? !order.isDescending : !column.isText};
        draw();
        byId('table').querySelectorAll('thead button')[index].focus();
      });
      head.append(element('th', {scope: 'col', class: column.isText ? 'words' : null,
                                 'aria-sort': isSorted ? order.isDescending ? 'descending' : 'ascending' : 'none'}, button));
    });
    const lines = itemsOf().map(item => {
      const [first, ...others] = columns;
      return element('tr', {class: isJobs && item === state.job ? 'chosen' : null},
        element('th', {scope: 'row'}, first.shown(item)),
        ...others.map(column => element('td', {class: column.isText ? 'words' : null}, column.shown(item))));
    });
    byId('table').replaceChildren(element('thead', {}, head), element('tbody', {}, ...lines));
  }

  byId('table-job').append(...jobs.map(job => element('option', {value: job.index}, job.label)));
  byId('table-job').addEventListener('change', event => change({job: jobs[Number(event.target.value)]}));
  byId('table-view').addEventListener('change', draw);
  byId('table-copy').addEventListener('click', () => {
    const columns = columnsOf(), items = itemsOf();
    copyText(csvText([columns.map(column => column.title), ...items.map(item => columns.map(column => column.value(item)))]),
             byId('table-status'), items.length + ' rows');
  });
  byId('matrix-copy').addEventListener('click', () => {
    const rows = state.layers.map(layer => [layer.name, ...state.jobs.map(job => job.scoreOf(layer))]);
    copyText(csvText([['layer', ...state.jobs.map(job => job.label)], ...rows]),
             byId('table-status'), rows.length + ' x ' + state.jobs.length + ' scores');
  });

  views.push(changes => {
    if (changes.job) byId('table-job').value = changes.job.index;
    if (changes.job || changes.jobs || changes.layers) draw();
  });

  if (data.skipped.length > 0) {
    byId('skipped').hidden = byId('skipped-link').hidden = false;
    byId('skipped-table').append(
      element('thead', {}, element('tr', {}, element('th', {scope: 'col', class: 'words'}, 'Job'),
                                   element('th', {scope: 'col', class: 'words'}, 'Reason'))),
      element('tbody', {}, ...data.skipped.map(([job, reason]) =>
        element('tr', {}, element('th', {scope: 'row'}, job), element('td', {class: 'words'}, reason)))));
  }
})();
