// Buttons that ask Python for a file and save what comes back. Text only: nothing is parsed.

let views = 0;

function render({ model, el }) {
  const me = `${Date.now()}-${views++}`; // two views of one widget: only the one clicked saves
  const bar = document.createElement("div");
  const said = document.createElement("span");
  el.dataset.lmSuppressShortcuts = "true"; // else Jupyter takes Enter and Space for its own
  bar.style.cssText = "display:flex;flex-wrap:wrap;gap:6px;align-items:center";
  said.setAttribute("role", "status");

  const draw = () => {
    bar.replaceChildren();
    for (const file of model.get("files")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "jupyter-widgets jupyter-button widget-button";
      button.style.width = "auto";
      button.textContent = file.label;
      button.title = `Save ${file.name}`;
      button.addEventListener("click", () => {
        button.disabled = true;
        said.textContent = `making ${file.name} …`;
        model.send({ name: file.name, view: me });
      });
      bar.append(button);
    }
    bar.append(said);
  };

  const arrived = (message, buffers) => {
    if (message.view !== me) return;
    for (const button of bar.querySelectorAll("button")) button.disabled = false;
    if (message.trouble) {
      said.textContent = message.trouble;
      return;
    }
    const url = URL.createObjectURL(new Blob([buffers[0]], { type: message.type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = message.name;
    el.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    said.textContent = `${message.name} is handed to the browser`;
  };

  draw();
  el.append(bar);
  model.on("change:files", draw);
  model.on("msg:custom", arrived);
  return () => {
    model.off("change:files", draw);
    model.off("msg:custom", arrived);
  };
}

export default { render };
