// Injected behind the page's own script: how checks report to the test, one line each.
window.report = document.createElement('pre');
report.id = 'report-of-checks';
document.body.append(report);
window.check = (name, isTrue, detail = '') => {
  report.textContent += (isTrue ? 'ok ' : 'FAILED ') + name + (isTrue ? '' : ': ' + detail) + '\n';
};
window.same = (name, found, wanted) =>
  check(name, JSON.stringify(found) === JSON.stringify(wanted), 'found ' + JSON.stringify(found) + ', wanted ' + JSON.stringify(wanted));
window.figure = (name, value) => { report.textContent += 'figure ' + name + ' ' + value + '\n'; };
window.finish = () => {
  same('no script error', pageErrors, []);
  same('nothing was fetched', performance.getEntriesByType('resource').map(entry => entry.name), []);
  report.textContent += 'finished\n';
};
