/** The style sheet of the status page: dark and light, narrow and wide, on paper too. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --card: #ffffff; --line: #d5dbe1; --text: #1b2229; --soft: #56606b;
  --good: #116329; --good-ground: #dcf5e3; --bad: #a40e26; --bad-ground: #ffe9e7;
  --open: #6b4700; --open-ground: #fff1cc; --off: #414a54; --off-ground: #e7ebef;
  --link: #0b57a8; --wait: #0b62c4; --band: #e7ebef; --remembered: #9fdcb0; --forgotten: #f6c1bc; --bracket: #e0a100;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11161c; --card: #1a2129; --line: #35404b; --text: #e7ebef; --soft: #a3aeba;
    --good: #7ee2a0; --good-ground: #12351f; --bad: #ffa198; --bad-ground: #481a1a;
    --open: #f2cc60; --open-ground: #3d2e05; --off: #c9d1d9; --off-ground: #2f3943;
    --link: #7db8ff; --wait: #6cb6ff; --band: #2a333d; --remembered: #23673a; --forgotten: #6e2a2a; --bracket: #d9a514;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 84rem; padding: 0 1rem 2rem; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--wait); outline-offset: 2px; border-radius: 4px; }
h1, h2, h3, p, ul, ol, figure { margin: 0; }
h1 { font-size: 1.25rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; overflow-wrap: anywhere; }
h2 a { color: inherit; text-decoration: none; }
h2 a:hover { text-decoration: underline; }
h3 { font-size: .95rem; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999px; top: 0; padding: .5rem 1rem; background: var(--card); }
.skip:focus { left: .5rem; z-index: 2; }

.top { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding: 1.1rem 0 .8rem; }
.asof { margin-left: auto; color: var(--soft); font-size: .85rem; font-variant-numeric: tabular-nums; }
#live { padding-left: .4rem; }
#live.good { color: var(--good); }
#live.good::before { content: "● "; }
#live.bad { color: var(--bad); font-weight: 600; }
.count { white-space: nowrap; padding-left: .6rem; }
.count.violating { color: var(--bad); font-weight: 600; }
.count.compliant { color: var(--good); }
.count.measuring { color: var(--open); }
.count.down { color: var(--off); font-weight: 600; }
.filter { margin-bottom: .8rem; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.filter input, .filter select, .filter button, .again button { font: inherit; padding: .3rem .6rem; border: 1px solid var(--soft); border-radius: 6px;
  background: var(--card); color: var(--text); }

.now { flex-basis: 100%; min-width: 0; margin: .35rem 0; padding: .55rem .8rem; border-radius: 8px; background: var(--ground); border: 1px solid var(--line); }
.now .snippet { margin: .4rem 0; max-width: 44rem; }
.now code { user-select: all; }
.ways { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: center; margin-top: .4rem; }
.again { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; }
.again button { border-color: var(--link); color: var(--link); cursor: pointer; }
.asked { font-size: .9rem; }
.asked:empty { display: none; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; position: absolute; clip-path: inset(50%); }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th a { color: inherit; }
th[aria-sort=ascending]::after { content: " ▲"; }
th[aria-sort=descending]::after { content: " ▼"; }
thead th { color: var(--soft); font-size: .85rem; }
td { white-space: nowrap; }
td.sentence { white-space: normal; min-width: 14rem; }
.overview { background: var(--card); border-radius: 10px; margin-bottom: .3rem; }
.overview tbody th { font-weight: 600; white-space: nowrap; }

.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; padding: .5rem 0 .8rem; color: var(--soft); font-size: .85rem; }
.legend { padding-bottom: .2rem; }
.glossary { font-size: .85rem; margin-bottom: .8rem; }
.ask { display: inline-block; width: 1.3em; text-align: center; border: 1px solid currentColor; border-radius: 99px; font-weight: 600; }
.glossary dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: .5rem 1.5rem; margin: .4rem 0; }
.glossary dt { font-weight: 600; }
.glossary dd { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
.legend svg { vertical-align: -3px; }

.card { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--line); border-radius: 10px;
  padding: 1rem 1.2rem; margin-bottom: 1rem; }
.card.violating { border-left-color: var(--bad); }
.card.compliant { border-left-color: var(--good); }
.card.measuring { border-left-color: var(--bracket); }
.card.down { border-left-color: var(--off); }
.card > header { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
.verdict { flex-basis: 100%; font-size: 1.15rem; font-weight: 600; text-wrap: balance; }
.facts { flex-basis: 100%; color: var(--soft); font-size: .85rem; display: flex; flex-wrap: wrap; gap: 0 1rem; overflow-wrap: anywhere; }
.key { color: var(--soft); }
.facts .fact { color: var(--text); }
.badge { font-size: .8rem; font-weight: 600; padding: .1rem .55rem; border-radius: 99px; white-space: nowrap; }
.badge.violating { background: var(--bad-ground); color: var(--bad); }
.badge.compliant { background: var(--good-ground); color: var(--good); }
.badge.measuring { background: var(--open-ground); color: var(--open); }
.badge.down { background: var(--off-ground); color: var(--off); }
.reach { font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; }
.reach.up { color: var(--good); }
.reach.down { color: var(--bad); }

.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 21rem); gap: .6rem 2rem; margin-top: .9rem; }
.pictures { min-width: 0; }
.modes { display: grid; gap: .9rem; grid-template-columns: minmax(0, 1fr); }
.aside > div { min-width: 0; }
.each ul { list-style: none; padding: 0; font-size: .92rem; }
.each li { padding: .15rem 0; }
.aside { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-content: start; font-size: .92rem; min-width: 0; }
.who, .fresh { color: var(--soft); font-weight: 400; font-size: .85rem; }
.fresh { white-space: nowrap; }
.finding::first-letter { text-transform: uppercase; }
.suspect { color: var(--bad); }
.why, .evidence, .events { padding-left: 0; list-style: none; }
.why > li { padding: .25rem 0; }
.evidence { color: var(--soft); font-size: .88rem; padding-left: .8rem; border-left: 2px solid var(--line); margin: .25rem 0 0; }
.certainty { font-size: .75rem; font-weight: 600; padding: 0 .4rem; border-radius: 4px; background: var(--off-ground); color: var(--off); }
.certainty.measured { background: var(--good-ground); color: var(--good); }
.certainty.likely { background: var(--open-ground); color: var(--open); }
.events li { padding: .12rem 0; }
.events time { color: var(--soft); font-variant-numeric: tabular-nums; }
summary { cursor: pointer; color: var(--link); padding: .25rem 0; }
.snippet { margin: .5rem 0; }
.snippet figcaption { font-size: .85rem; color: var(--soft); display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.snippet button { font: inherit; padding: 0 .5rem; border: 1px solid var(--line); border-radius: 5px; background: var(--card); color: var(--link); cursor: pointer; }
pre { margin: .2rem 0 0; padding: .5rem .7rem; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }
svg.history { display: block; width: 100%; height: 56px; background: var(--ground); border: 1px solid var(--line); border-radius: 4px; }
.history rect { shape-rendering: crispEdges; }
.history .survived { fill: var(--remembered); }
.history .died { fill: var(--forgotten); }
.history .limit { stroke: var(--text); stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
.past { margin-top: 1rem; }
.past figure { margin: .5rem 0 .8rem; }
.past figcaption { font-size: .85rem; color: var(--soft); }
.past .axis { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); }
.past ol { list-style: none; padding: 0; font-size: .85rem; }
.tests { margin-top: .6rem; }
.tests table { font-size: .85rem; }
.outcome.alive { color: var(--good); }
.outcome.dead { color: var(--bad); }
.report { margin-top: .5rem; }
.pager { display: flex; gap: 1rem; }
.empty { padding: 2rem 0; }
footer { color: var(--soft); font-size: .85rem; padding-top: .5rem; }

svg.strip { display: block; width: calc(100% - 14px); margin: .2rem 7px 0; overflow: visible; }
svg.dead { overflow: visible; }
.alive { fill: var(--good); }
circle.alive { fill: none; stroke: var(--good); stroke-width: 2.2; }
svg.dead path, path.dead { fill: none; stroke: var(--bad); stroke-width: 2.6; stroke-linecap: round; }
.inconclusive { fill: var(--soft); }
.waiting { fill: var(--wait); fill-opacity: .25; stroke: var(--wait); stroke-width: 1.1; }
.waiting.testing { fill-opacity: 1; }
.band { fill: var(--band); }
.remembered { fill: var(--remembered); }
.forgotten { fill: var(--forgotten); }
.bracket { fill: var(--bracket); }
.edge { stroke-width: 2.2; }
.edge.lower { stroke: var(--good); }
.edge.upper { stroke: var(--bad); }
line.req5 { stroke: var(--text); stroke-width: 1.6; stroke-dasharray: 4 3; }
text.req5 { fill: var(--text); font-size: 11px; font-weight: 600; }
.tick line { stroke: var(--soft); }
.tick text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }

@media (max-width: 60rem) {
  .columns { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 40rem) {
  body { padding: 0 .6rem 1.5rem; }
  .card { padding: .8rem .8rem .8rem .9rem; }
  .tick.minor { display: none; }
  .asof { margin-left: 0; }
  .who { display: block; }
  .overview .confirmed, .overview .label, .overview .timeout { display: none; }
  .overview td, .overview th { padding: .35rem .3rem; }
  .overview td.sentence { min-width: 9rem; }
  .overview .badge .words { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .overview tbody th { white-space: normal; overflow-wrap: anywhere; }
  .filter input { flex: 1; min-width: 8rem; }
}
@media print {
  body { background: none; max-width: none; }
  .card { break-inside: avoid; }
  .filter, .skip, .again, #live { display: none; }
}
`;

/** The icon of the page: a gap in a line. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57a8"/><path d="M5 16h8M22 16h5" stroke="#fff" stroke-width="4" stroke-linecap="round"/><path d="M16 10v12" stroke="#f2cc60" stroke-width="3" stroke-linecap="round" stroke-dasharray="3 4"/></svg>
`;
