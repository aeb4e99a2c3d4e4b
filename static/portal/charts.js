/* Charts from data in the page: <div class="chart" data-chart="id-of-json"> beside {{ data|json_script:"id" }}.

   data = {kind: "line"|"bar"|"stack"|"pie", labels: […], unit: "件", series: [{name, values: […], tone?, axis?: 1}],
           mark?: {value, label}, max?, min?, right?: {unit, max}}
   tones: blue heat red green amber light grey. Drawn as SVG, redrawn when the theme changes; no HTML tooltips (CSP). */
(function () {
  'use strict';
  var drawn = [];

  function token(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function palette() {
    var dark = document.documentElement.getAttribute('data-bs-theme') === 'dark';
    return {
      ink: token('--wy-ink3'), strong: token('--wy-ink'), line: token('--wy-line'), card: token('--wy-card'),
      blue: dark ? '#4a90f0' : '#2468c4', heat: dark ? '#ff8a4a' : '#e2560f', red: dark ? '#ff6b5e' : '#d9382b', green: dark ? '#4cc585' : '#2aa162',
      amber: dark ? '#f0b44a' : '#e69a17', light: dark ? '#3f7fd6' : '#8db7ef', grey: dark ? '#5f7699' : '#b3bdcc'
    };
  }

  function axis(colours, size, options) {
    return Object.assign({type: 'value', axisLabel: {color: colours.ink, fontSize: size, formatter: '{value}' + (options.unit || '')}, splitLine: {show: !options.right, lineStyle: {color: colours.line}}}, options.max === undefined ? {} : {max: options.max}, options.min === undefined ? {} : {min: options.min});
  }

  function option(data) {
    var colours = palette(), size = window.innerWidth >= 1800 ? 15 : 12, order = ['blue', 'heat', 'green', 'amber', 'light', 'red', 'grey'];
    var font = getComputedStyle(document.body).fontFamily;
    var base = {
      animation: false, textStyle: {fontFamily: font},
      tooltip: {trigger: data.kind === 'pie' ? 'item' : 'axis', renderMode: 'richText', backgroundColor: colours.card, borderColor: colours.line, textStyle: {color: colours.strong, fontSize: 12}},
      aria: {enabled: false}
    };
    if (data.kind === 'pie') {
      base.series = [{type: 'pie', radius: ['52%', '76%'], label: {color: colours.strong, fontSize: size, formatter: '{b} {c}'}, itemStyle: {borderColor: colours.card, borderWidth: 2},
        data: data.labels.map(function (label, index) { return {name: label, value: data.series[0].values[index], itemStyle: {color: colours[(data.tones || order)[index % 7]]}}; })}];
      return base;
    }
    var bar = data.kind === 'bar' || data.kind === 'stack';
    base.grid = {left: 6, right: 10, top: 16, bottom: 4, containLabel: true};
    base.xAxis = {type: 'category', data: data.labels, boundaryGap: bar, axisTick: {show: false}, axisLine: {lineStyle: {color: colours.line}}, axisLabel: {color: colours.ink, fontSize: size}};
    base.yAxis = [axis(colours, size, data)];
    if (data.right) { base.yAxis.push(axis(colours, size, Object.assign({right: true}, data.right))); }
    base.series = data.series.map(function (one, index) {
      var colour = colours[one.tone || order[index % order.length]];
      var drawnAs = {name: one.name, type: bar && !one.line ? 'bar' : 'line', data: one.values, yAxisIndex: one.axis || 0, itemStyle: {color: colour}, lineStyle: {width: 2.5, color: colour}, symbolSize: 6, smooth: 0.3};
      if (bar && !one.line) {
        drawnAs.barMaxWidth = 22;
        if (data.kind === 'stack') { drawnAs.stack = 'one'; }
        if (one.label) { drawnAs.label = {show: true, position: 'top', color: colours.red, fontSize: size, formatter: function (point) { return point.value ? one.label.replace('{c}', point.value) : ''; }}; }
      }
      if (data.mark && index === 0) {
        drawnAs.markLine = {silent: true, symbol: 'none', label: {formatter: data.mark.label, position: 'insideStartTop', color: token('--wy-green'), fontSize: size}, lineStyle: {color: colours.green, type: 'dashed'}, data: [{yAxis: data.mark.value}]};
      }
      return drawnAs;
    });
    return base;
  }

  function draw(root) {
    if (!window.echarts) { return; }
    Array.prototype.forEach.call(root.querySelectorAll('[data-chart]'), function (box) {
      var source = document.getElementById(box.getAttribute('data-chart'));
      if (!source) { return; }
      var chart = window.echarts.getInstanceByDom(box) || window.echarts.init(box, null, {renderer: 'svg'});
      chart.setOption(option(JSON.parse(source.textContent)), true);
      if (drawn.indexOf(chart) < 0) { drawn.push(chart); }
    });
  }

  function tidy() { drawn = drawn.filter(function (chart) { if (document.contains(chart.getDom())) { return true; } chart.dispose(); return false; }); }

  document.addEventListener('DOMContentLoaded', function () { draw(document); });
  document.addEventListener('htmx:afterSettle', function (event) { tidy(); if (event.target.querySelectorAll) { draw(event.target); } });
  document.addEventListener('wy:theme', function () { draw(document); });
  var waiting;
  window.addEventListener('resize', function () { clearTimeout(waiting); waiting = setTimeout(function () { tidy(); drawn.forEach(function (chart) { chart.resize(); }); }, 120); });
})();
