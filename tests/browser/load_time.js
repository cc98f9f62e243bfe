// When the page is laid out and drawn, in milliseconds since its navigation began.
window.addEventListener('load', () => {
  const canvas = document.querySelector('#heat-body canvas');
  canvas.getContext('2d').getImageData(0, 0, 1, 1);
  const height = document.body.offsetHeight;
  figure('loaded_ms', Math.round(performance.now()));
  check('the page has a body', height > 1000, String(height));
  finish();
});
