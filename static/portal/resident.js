/* Small helps on the residents' pages; everything works without them. The half-degree buttons, copying the number, and a
   form that waits for the network: kept on this page and sent by itself, once, when the network is back. */
(function () {
  'use strict';
  function say(text) { var toast = document.getElementById('toast'); if (toast) { toast.textContent = text; } }

  Array.prototype.forEach.call(document.querySelectorAll('[data-stepper]'), function (box) {
    var field = box.querySelector('input');
    Array.prototype.forEach.call(box.querySelectorAll('button'), function (button) {
      button.hidden = false;
      button.addEventListener('click', function () {
        var value = parseFloat(field.value);
        field.value = (isNaN(value) ? 16 : value + parseFloat(button.getAttribute('data-step'))).toFixed(1);
        field.dispatchEvent(new Event('input', {bubbles: true}));
      });
    });
  });

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.id !== 'say' || navigator.onLine) { return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    form.setAttribute('data-waiting', '');
    say('网络断开，已为您保存；网络恢复后自动提交，请不要关闭本页。');
  }, true);
  window.addEventListener('online', function () {
    var form = document.querySelector('form[data-waiting]');
    if (!form) { return; }
    form.removeAttribute('data-waiting');
    say('网络已恢复，正在提交…');
    HTMLFormElement.prototype.submit.call(form);
  });

  Array.prototype.forEach.call(document.querySelectorAll('[data-copy]'), function (one) {
    if (!navigator.clipboard) { return; }
    var button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn btn-link';
    button.textContent = '复制';
    button.addEventListener('click', function () { navigator.clipboard.writeText(one.textContent).then(function () { say('已复制'); setTimeout(function () { say(''); }, 1500); }); });
    one.parentNode.insertBefore(button, one.nextSibling);
  });
})();
