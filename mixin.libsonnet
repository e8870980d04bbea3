// Rules, alerts and dashboards for those who keep theirs in jsonnet (https://monitoring.mixins.dev):
//   (import 'nat-idle-exporter/mixin.libsonnet') + { _config+:: { selector: 'cluster="home"' } }
// docs/OPERATORS.md says more. What it imports is written by `npm run generate`.
local shipped = import 'prometheus/mixin.json';

local number(value) = if std.floor(value) == value then '%d' % value else '%g' % value;

// A duration as PromQL writes it: 7d, 3h, 90s.
local duration(seconds) =
  local fitting = [unit for unit in [['d', 86400], ['h', 3600], ['m', 60]] if seconds > 0 && seconds % unit[1] == 0];
  if std.length(fitting) == 0 then '%ds' % seconds else '%d%s' % [seconds / fitting[0][1], fitting[0][0]];

// The same for people: 7 days, 2 h 4 min.
local words(seconds) =
  if seconds > 0 && seconds % 86400 == 0 then
    (if seconds == 86400 then 'a day' else '%d days' % (seconds / 86400))
  else
    local amounts = [
      [std.floor(seconds / 3600), 'h'],
      [std.floor(seconds % 3600 / 60), 'min'],
      [seconds % 60, 's'],
    ];
    std.join(' ', ['%d %s' % amount for amount in amounts if amount[0] > 0]);

{
  _config+:: {
    // Matchers that every selector of the rules gets, as 'cluster="home"'.
    selector: '',
    // The scrape jobs of exporters and responders, as a regular expression; empty: all.
    job: '',
    // Where the alerts' runbook links lead, with the alert's name in lower case for %s; null: the copy that the exporter serves.
    runbookPattern: null,
    // In seconds, but for ratios and counts; prometheus/src/thresholds.ts says why each is what it is.
    thresholds: shipped.thresholds,
  },

  local config = $._config,

  local matchers = std.join(', ', [
    each
    for each in [config.selector, if config.job == '' then '' else 'job=~"%s"' % config.job]
    if each != ''
  ]),

  local thresholds =
    local unknown = [name for name in std.objectFields(config.thresholds) if !std.objectHas(shipped.thresholds, name)];
    if unknown == [] then config.thresholds
    else error 'nat-idle-exporter: there is no threshold %s' % std.join(', ', unknown),

  // Text, or what fills a hole in it.
  local filled(part) =
    if std.isString(part) then part
    else if 'matchers' in part then
      (if matchers == '' then '' else if part.matchers == 'only' then '{%s}' % matchers else ', ' + matchers)
    else if 'percent' in part then '%d' % std.floor(100 * thresholds[part.percent] + 0.5)
    else if 'words' in part then words(thresholds[part.words])
    else if 'duration' in part then duration(thresholds[part.duration])
    else number(thresholds[part.number]),

  local filledIn(value) =
    if std.isArray(value) then [filledIn(each) for each in value]
    else if !std.isObject(value) then value
    else if 'parts' in value then std.join('', [filled(part) for part in value.parts])
    else { [key]: filledIn(value[key]) for key in std.objectFields(value) },

  local linked(rule) =
    if config.runbookPattern == null then rule
    else rule { annotations+: { runbook_url: config.runbookPattern % std.asciiLower(rule.alert) } },

  prometheusRules+:: { groups+: filledIn(shipped.rules) },
  prometheusAlerts+:: {
    groups+: [group { rules: [linked(rule) for rule in group.rules] } for group in filledIn(shipped.alerts)],
  },
  grafanaDashboards+:: {
    'nat-idle-timeout.json': import 'grafana/dashboards/nat-idle-timeout.json',
    'nat-idle-fleet.json': import 'grafana/dashboards/nat-idle-fleet.json',
    'nat-idle-health.json': import 'grafana/dashboards/nat-idle-health.json',
  },
}
