// Pages with nothing or with odd names in them.
window.addEventListener('load', () => {
  const data = JSON.parse(document.getElementById('data').textContent);
  same('no element came out of a name', document.querySelectorAll('img, iframe, object').length, 0);
  check('no name ran as a script', window.bad === undefined);
  same('scripts', document.scripts.length, 5);  // data, page, and the three of the test
  if (data.jobs.length > 0) {
    const text = document.body.textContent;
    check('names are shown as they are', text.includes(data.jobs[0].pair) && text.includes(data.skipped[0][1]));
    check('skipped jobs are shown', !document.getElementById('skipped').hidden);
    same('cell', document.getElementById('heat-cell').textContent.includes('2.50e-1'), true);
  } else {
    check('an empty heat map says so', !document.getElementById('heat-empty').hidden);
    check('no skipped jobs', document.getElementById('skipped').hidden);
  }
  for (const button of document.querySelectorAll('button')) button.click();
  finish();
});
