// Injected before the page's own script: collects whatever goes wrong.
window.pageErrors = [];
window.addEventListener('error', event => pageErrors.push('error: ' + event.message));
window.addEventListener('unhandledrejection', event => pageErrors.push('rejection: ' + event.reason));
window.addEventListener('securitypolicyviolation', event => pageErrors.push('policy: ' + event.violatedDirective));
for (const level of ['error', 'warn']) {
  console[level] = (...texts) => pageErrors.push(level + ': ' + texts.join(' '));
}
