/* Keeps the pages of inspections for when there is no network, and sends what waits. Of nothing else it takes notice. */
importScripts('{% static "portal/inspection-queue.js" %}');
(function () {
  'use strict';
  var PAGES = 'inspection-pages', FILES = 'inspection-files';

  self.addEventListener('install', function () { self.skipWaiting(); });
  self.addEventListener('activate', function (event) { event.waitUntil(self.clients.claim()); });

  self.addEventListener('fetch', function (event) {
    var url = new URL(event.request.url);
    if (url.origin !== self.location.origin) { return; }
    if (event.request.method === 'POST' && (url.pathname === '/logout/' || url.pathname === '/login/')) {
      // Whoever comes next on this telephone must not see the pages of whoever went.
      event.waitUntil(caches.delete(PAGES));
      return;
    }
    if (event.request.method !== 'GET') { return; }
    if (event.request.mode === 'navigate' && (url.pathname === '/inspections/' || url.pathname === '/inspections/new/')) {
      event.respondWith(fresh(event.request, PAGES));
    } else if (url.pathname.indexOf('/static/') === 0 && event.request.destination) {
      event.respondWith(fresh(event.request, FILES));
    }
  });

  function fresh(request, name) {
    return fetch(request).then(function (answer) {
      if (answer.ok && !answer.redirected && answer.type === 'basic') {
        var copy = answer.clone();
        caches.open(name).then(function (cache) { return cache.put(request.url, copy); }).catch(function () {});
      }
      return answer;
    }, function (fault) {
      return caches.match(request.url).then(function (kept) { if (kept) { return kept; } throw fault; });
    });
  }

  self.addEventListener('sync', function (event) {
    if (event.tag === 'inspections') { event.waitUntil(self.InspectionQueue.send().then(function (left) { if (left.waiting) { throw new Error('waiting'); } })); }
  });
})();
