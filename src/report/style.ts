/** The report's style sheet: quiet on a screen, and laid out for A4. */
export const STYLE = `
:root { color-scheme: light; --ink: #1a1d21; --quiet: #555d66; --line: #d4d9df; --soft: #f4f6f8;
  --good: #1d7a3e; --bad: #b3261e; --open: #8a5a00; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; }
main, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 2rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: .82rem; margin: 0 0 .2rem; color: var(--quiet); font-weight: 600; }
p { margin: .4rem 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
li { margin: .3rem 0; }
.verdict { margin: 0 0 1rem; padding: .8rem 1rem; border-left: 6px solid var(--open); background: #fdf6e3; font-size: 1.05rem; }
.verdict strong { color: var(--open); }
.verdict.compliant { border-color: var(--good); background: #edf7f0; }
.verdict.compliant strong { color: var(--good); }
.verdict.not_compliant { border-color: var(--bad); background: #fcefee; }
.verdict.not_compliant strong { color: var(--bad); }
.note { color: var(--open); font-weight: 600; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .5rem 1.25rem; margin: 0; }
.facts dt { font-size: .78rem; color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.small, .sub, figcaption { font-size: .85rem; color: var(--quiet); }
.sub { display: block; font-weight: 400; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
thead th { font-size: .78rem; color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 600; }
tbody th:has(.sub) { width: 34%; }
.tag { display: inline-block; padding: 0 .45rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--soft);
  font-size: .78rem; white-space: nowrap; color: var(--quiet); }
.tag.compliant, .tag.ruled_out { color: var(--good); border-color: currentColor; background: #fff; }
.tag.not_compliant, .tag.possible { color: var(--bad); border-color: currentColor; background: #fff; }
.tests { font-size: .76rem; font-variant-numeric: tabular-nums; }
.tests td { padding: .16rem .6rem .16rem 0; }
.tests td:first-child, .tests td:nth-child(2) { white-space: nowrap; }
.tests td { overflow-wrap: anywhere; }
.tests tr.dead td { color: var(--bad); }
.tests tr.inconclusive td { color: var(--quiet); }
code, pre { font-family: ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: .5rem .7rem; background: var(--soft); border: 1px solid var(--line); border-radius: .3rem;
  font-size: .78rem; line-height: 1.45; overflow-x: auto; }
.snippets { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .8rem 1rem; }
figure { margin: .5rem 0; }
figure svg { max-width: 100%; height: auto; display: block; }
.key { font-weight: 700; margin-left: .5rem; }
.key:first-child { margin-left: 0; }
.key.alive { color: var(--good); }
.key.dead { color: var(--bad); }
.quote { border-left: 3px solid var(--line); padding-left: .9rem; }
blockquote { margin: 0; }
.ask { border: 1px solid var(--ink); border-radius: .4rem; padding: .2rem 1rem .6rem; margin-top: 1.5rem; }
.ask h2 { margin-top: .6rem; border: 0; padding: 0; }
footer { margin-top: 2rem; padding-bottom: 2rem; font-size: .8rem; color: var(--quiet); }
section, header { overflow-x: auto; }
@media print {
  @page { size: A4; margin: 16mm 15mm 18mm; }
  html { font-size: 9.4pt; }
  body { font-size: 9.4pt; line-height: 1.4; }
  h1 { font-size: 16pt; }
  h2 { margin-top: 1.2rem; }
  .tests { font-size: 7.4pt; line-height: 1.25; }
  .tests td { padding-block: .08rem; }
  tbody th:has(.sub) { width: 40%; }
  main, footer { max-width: none; padding: 0; }
  section, header { overflow: visible; }
  h2, h3 { break-after: avoid; }
  tr, .ask, .quote, figure, .snippets > div, .verdict { break-inside: avoid; }
  thead { display: table-header-group; }
  .snippets { grid-template-columns: 1fr 1fr; }
  pre { white-space: pre-wrap; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
  .quote figcaption a::after { content: " (" attr(href) ")"; }
}
`;
