"use strict";
const plots = [...document.querySelectorAll(".plot")];
for (const plot of plots) {
  const spec = JSON.parse(document.getElementById(plot.dataset.spec).textContent);
  Plotly.newPlot(plot, spec.data, spec.layout, {
    responsive: true, displaylogo: false, doubleClick: "autosize",
    modeBarButtonsToRemove: ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    toImageButtonOptions: { format: "png", scale: 2, filename: plot.dataset.name },
  });
}
const fitToPaper = () => plots.forEach((plot) => Plotly.Plots.resize(plot));
window.addEventListener("beforeprint", fitToPaper);
window.addEventListener("afterprint", fitToPaper);
