// The style sheet of HTML reports. Colours are given twice, for light and for dark; paper is always light.
#pragma once

#include <string_view>

namespace obsctl::cli {

inline constexpr std::string_view kReportStyle = R"(
:root{color-scheme:light dark;--back:#fff;--text:#1c2128;--quiet:#57606a;--line:#d8dee4;--soft:#f3f5f8;--link:#0b5cad;--ok:#14682f;--okback:#e3f4e8;--bad:#b3261e;--badback:#fdeceb;--doubt:#7a4b00;--doubtback:#fff4d6;--blue:#1f6feb;--orange:#bc5c00;--purple:#7d3cc9;--band:#f5c3be66;--pend:#f2c14e;--pendtext:#3d2c00;--fire:#c7382e;--loadbar:#b6d0f7;--loadtext:#0b2e66;--faultbar:#8b3a62;--ontop:#fff}
@media screen and (prefers-color-scheme:dark){:root{--back:#12161c;--text:#e6e9ed;--quiet:#9aa4af;--line:#333c47;--soft:#1b2129;--link:#79b8ff;--ok:#7fdc9a;--okback:#17351f;--bad:#ff9a90;--badback:#43201f;--doubt:#f2c76e;--doubtback:#3b2f12;--blue:#6cacff;--orange:#ffab5e;--purple:#c69bff;--band:#7a2f2a55;--pend:#c9992b;--pendtext:#1d1500;--fire:#e5574c;--loadbar:#27466f;--loadtext:#dbe8ff;--faultbar:#b0588a;--ontop:#fff}}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;margin:0 auto;max-width:66rem;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .5rem}
h2{border-bottom:1px solid var(--line);font-size:1.1rem;margin:2.25rem 0 .75rem;padding-bottom:.25rem}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p{margin:.4rem 0}
a{color:var(--link)}
.quiet,figcaption+.quiet{color:var(--quiet);font-size:.875rem}
.verdict{border-left:.4rem solid var(--doubt);background:var(--doubtback);border-radius:.375rem;padding:.9rem 1.1rem}
.verdict.passed{border-color:var(--ok);background:var(--okback)}
.verdict.failed{border-color:var(--bad);background:var(--badback)}
.verdict p{margin:.2rem 0;overflow-wrap:anywhere}
.badge{font-weight:700;letter-spacing:.03em;margin-right:.6rem;white-space:nowrap}
.passed .badge,.ok{color:var(--ok)}.failed .badge,.bad{color:var(--bad)}.badge,.doubt{color:var(--doubt)}
.facts{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));margin:1rem 0 0;padding:0}
.facts div{border:1px solid var(--line);border-radius:.375rem;padding:.5rem .75rem}
.facts dt{color:var(--quiet);font-size:.8rem}
.facts dd{font-size:1.3rem;font-variant-numeric:tabular-nums;font-weight:600;margin:0}
.facts dd small{color:var(--quiet);display:block;font-size:.8rem;font-weight:400}
nav{color:var(--quiet);font-size:.875rem;margin:1rem 0 0}
nav a{margin-right:.9rem;white-space:nowrap}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0;width:100%}
caption{color:var(--quiet);font-size:.875rem;padding:.2rem 0;text-align:left}
th{color:var(--quiet);font-weight:500;white-space:nowrap}
th,td{border-bottom:1px solid var(--line);padding:.3rem .9rem .3rem 0;text-align:left;unicode-bidi:isolate;vertical-align:top}
tbody th{color:inherit;font-weight:400;white-space:normal}
td.num,th.num{font-variant-numeric:tabular-nums;text-align:right;white-space:nowrap}
td.verdict-word{white-space:nowrap}
.id{overflow-wrap:anywhere}.id small{display:block;font-size:.8rem}
tr.group th{color:var(--quiet);font-weight:600;padding-top:.9rem}
tr.why td{border-top:0;padding-top:0}
tr.has-why>*{border-bottom:0}
dl.pairs{display:grid;font-size:.875rem;gap:.2rem 1.25rem;grid-template-columns:max-content 1fr;margin:.5rem 0}
dl.pairs dt{color:var(--quiet)}
dl.pairs dd{margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}
code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--soft);border-radius:.375rem;margin:.4rem 0;overflow-wrap:anywhere;padding:.75rem;unicode-bidi:isolate;white-space:pre-wrap}
details{margin:.35rem 0}
summary{cursor:pointer;font-size:.875rem}
ul.doubts{margin:.4rem 0;padding-left:1.2rem}
figure{margin:1.25rem 0;break-inside:avoid}
figcaption{font-weight:600;margin-bottom:.25rem}
svg{display:block;height:auto;min-width:44rem;width:100%}
svg text{fill:var(--text);font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
svg .tick{fill:var(--quiet);font-size:11px;font-variant-numeric:tabular-nums}
svg .small{font-size:11px}
svg .heading{fill:var(--quiet);font-weight:600}
svg .limit{fill:var(--bad);font-weight:600;paint-order:stroke;stroke:var(--back);stroke-width:4px}
svg .result.doubt{fill:var(--quiet)}svg .result.bad{fill:var(--bad);font-weight:600}
.grid{stroke:var(--line);stroke-width:1}
.rail{stroke:var(--line);stroke-dasharray:1 4;stroke-width:1}
.divide{stroke:var(--line)}
.band{fill:var(--band)}
.load{fill:var(--loadbar)}svg .load-text{fill:var(--loadtext);font-size:11px}
.fault{fill:var(--faultbar)}svg .fault-text{fill:var(--ontop);font-size:11px}
.pending{fill:var(--pend);stroke:var(--orange);stroke-dasharray:3 2}svg .pending-text{fill:var(--pendtext);font-size:11px}
.firing{fill:var(--fire)}svg .firing-text{fill:var(--ontop);font-size:11px}
.seen{fill:var(--text)}
.told{fill:var(--fire);stroke:var(--back)}
.refused{fill:var(--back);stroke:var(--bad);stroke-width:2.5;stroke-dasharray:3 2}
.told-over{fill:var(--back);stroke:var(--ok);stroke-width:2.5}
path[class$=line],line[class$=line],[class^=series]{fill:none;stroke-linecap:round;stroke-linejoin:round;stroke-width:1.75}
.asked-line{stroke:var(--text);stroke-dasharray:2 4}
.sent-line{stroke:var(--blue)}
.errors-line{stroke:var(--bad)}.errors-area{fill:var(--bad);fill-opacity:.3}
.p50-line{stroke:var(--blue)}.p95-line{stroke:var(--purple);stroke-dasharray:7 3}.p99-line{stroke:var(--orange);stroke-dasharray:2 3}
.series-1{stroke:var(--blue)}.series-2{stroke:var(--purple);stroke-dasharray:7 3}.series-3{stroke:var(--orange);stroke-dasharray:2 3}.series-4{stroke:var(--ok);stroke-dasharray:9 3 2 3}
.threshold{stroke:var(--bad);stroke-dasharray:6 4;stroke-width:1.5}
.window{fill:var(--loadbar)}.window.loose{stroke:var(--blue);stroke-dasharray:4 3}
.deadline{fill:var(--text)}
.met{fill:var(--ok);stroke:var(--back)}.unmet{fill:var(--bad);stroke:var(--back)}
@page{margin:14mm}
@media print{body{font-size:10.5pt;max-width:none;padding:0;print-color-adjust:exact;-webkit-print-color-adjust:exact}nav{display:none}.facts{grid-template-columns:repeat(5,1fr)}.facts dd{font-size:1rem}tr.has-why{break-after:avoid}h2,h3{break-after:avoid}tr,.verdict,.facts div{break-inside:avoid}.wide{overflow:visible}svg{min-width:0}details::details-content{content-visibility:visible;height:auto}details.long::details-content{content-visibility:hidden}}
)";

}  // namespace obsctl::cli
