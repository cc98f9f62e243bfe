// Theme, filters and the first drawing.
(() => {
  const themes = ['automatic', 'light', 'dark'];
  let theme = 0;
  function setTheme(index) {
    theme = index % themes.length;
    if (theme === 0) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = themes[theme];
    byId('theme').textContent = 'Theme: ' + themes[theme];
  }
  byId('theme').addEventListener('click', () => {
    setTheme(theme + 1);
    change({theme: themes[theme]});
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => change({theme: themes[theme]}));
  setTheme(0);

  // An expression that is not complete yet leaves the last choice as it is.
  function filtered(id, list, name, previous) {
    const input = byId(id);
    try {
      const passes = textFilter(input.value);
      input.setAttribute('aria-invalid', 'false');
      return list.filter(item => passes(name(item)));
    } catch {
      input.setAttribute('aria-invalid', 'true');
      return previous;
    }
  }
  function applyFilters() {
    const shown = {
      layers: filtered('layer-filter', layers, layer => layer.name, state.layers),
      jobs: filtered('job-filter', jobs, job => job.label + ' ' + job.weight + ' ' + job.activation, state.jobs),
    };
    change(shown);
    byId('filter-status').textContent = shown.layers.length + ' of ' + layers.length + ' layers, ' + shown.jobs.length +
      ' of ' + jobs.length + ' jobs';
  }
  for (const id of ['layer-filter', 'job-filter']) byId(id).addEventListener('input', applyFilters);

  const losses = [...new Set(jobs.filter(job => job.loss !== null).map(
    job => (data.models.length > 1 ? job.model + ' ' : '') + job.loss.toFixed(4)))];
  byId('facts').textContent = [
    data.models.join(', '), layers.length + ' layers', jobs.length + (jobs.length === 1 ? ' job' : ' jobs'),
    losses.length > 0 ? 'loss unquantized: ' + losses.join(', ') : '', data.program,
  ].filter(Boolean).join(' \u00b7 ');
  heatMap.firstSize();
  applyFilters();
  if (state.job) change({job: state.job});
})();
