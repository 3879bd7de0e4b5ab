"use strict";
(function () {
    const NS = "http://www.w3.org/2000/svg", HALF_WIDTH = 66, HALF_HEIGHT = 15;
    const svg = document.getElementById("picture"), about = document.getElementById("about");
    const header = document.querySelector("header");
    const kinds = { input: "#9fd8a0", constant: "#d9d9d9", shared: "#f4d58d", output: "#9cc4e4" };
    let view = { x: 0, y: 0, scale: 1 }, layer = null, opened = [];

    function make(name, attributes, parent) {
        const element = document.createElementNS(NS, name);
        for (const key in attributes) element.setAttribute(key, attributes[key]);
        if (parent) parent.appendChild(element);
        return element;
    }

    function moveView() {
        layer.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.scale})`);
    }

    /* From the lower border of one node to the upper border of the other. */
    function path(a, b) {
        const y0 = a.y + HALF_HEIGHT, y1 = b.y - HALF_HEIGHT - 4, middle = (y0 + y1) / 2;
        return `M${a.x},${y0} C${a.x},${middle} ${b.x},${middle} ${b.x},${y1}`;
    }

    function say(lines, event) {
        about.textContent = lines.join("\n");
        about.style.display = "block";
        about.style.left = Math.min(event.clientX + 12, innerWidth - 260) + "px";
        about.style.top = event.clientY + 12 + "px";
    }

    function describe(element, lines) {
        element.addEventListener("mousemove", event => say(lines, event));
        element.addEventListener("mouseleave", () => { about.style.display = "none"; });
    }

    function drawEdge(graph, edge) {
        const a = graph.nodes[edge.from], b = graph.nodes[edge.to];
        const line = make("path", { class: "edge " + edge.style, "marker-end": "url(#tip)", d: path(a, b) }, layer);
        describe(line, [edge.label, { view: "a view of it", destroy: "overwritten" }[edge.style] || ""]);
        a.lines.push([line, a, b]);
        b.lines.push([line, a, b]);
    }

    function drawNode(node) {
        const group = make("g", { class: "node" + (node.inner ? " inner" : "") }, layer);
        const shape = node.kind === "apply"
            ? make("ellipse", { rx: HALF_WIDTH, ry: HALF_HEIGHT, fill: node.color }, group)
            : make("rect", { x: -HALF_WIDTH, y: -HALF_HEIGHT, width: 2 * HALF_WIDTH, height: 2 * HALF_HEIGHT, fill: node.color }, group);
        make("text", {}, group).textContent = node.label;
        group.setAttribute("transform", `translate(${node.x},${node.y})`);
        describe(shape, node.about);
        drag(group, (dx, dy) => {
            node.x += dx / view.scale;
            node.y += dy / view.scale;
            group.setAttribute("transform", `translate(${node.x},${node.y})`);
            for (const [line, a, b] of node.lines) line.setAttribute("d", path(a, b));
        }, () => { if (node.inner) { opened.push(node.inner); show(node.inner); } });
    }

    /* Call `moved` while the pointer is held, `clicked` if it did not move. */
    function drag(element, moved, clicked) {
        element.addEventListener("mousedown", start => {
            let far = 0, x = start.clientX, y = start.clientY;
            start.stopPropagation();
            const move = event => {
                far += Math.abs(event.clientX - x) + Math.abs(event.clientY - y);
                moved(event.clientX - x, event.clientY - y);
                x = event.clientX;
                y = event.clientY;
            };
            const stop = () => {
                removeEventListener("mousemove", move);
                removeEventListener("mouseup", stop);
                if (far < 3 && clicked) clicked();
            };
            addEventListener("mousemove", move);
            addEventListener("mouseup", stop);
        });
    }

    function fit(graph) {
        const xs = graph.nodes.map(n => n.x), ys = graph.nodes.map(n => n.y);
        const left = Math.min(...xs) - 90, top = Math.min(...ys) - 40;
        const width = Math.max(...xs) + 90 - left, height = Math.max(...ys) + 40 - top;
        const box = svg.getBoundingClientRect();
        /* A long graph is shown from its top, large enough to read. */
        view.scale = Math.max(0.55, Math.min(1.4, box.width / width, box.height / height));
        view.x = box.width / 2 - (left + width / 2) * view.scale;
        view.y = Math.max(0, box.height - height * view.scale) / 2 - top * view.scale;
        moveView();
    }

    function show(graph) {
        svg.replaceChildren();
        const tip = make("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, make("defs", {}, svg));
        make("path", { d: "M0,0 L8,4 L0,8 z", fill: "#444" }, tip);
        layer = make("g", {}, svg);
        for (const node of graph.nodes) node.lines = [];
        for (const edge of graph.edges) drawEdge(graph, edge);
        graph.nodes.forEach(drawNode);
        document.getElementById("back").disabled = opened.length < 2;
        about.style.display = "none";
        if (graph.nodes.length) fit(graph);
    }

    for (const kind in kinds) {
        const chip = document.createElement("span");
        chip.className = "chip";
        chip.textContent = kind;
        chip.style.background = kinds[kind];
        document.getElementById("legend").appendChild(chip);
    }
    const back = document.createElement("button");
    back.id = "back";
    back.textContent = "back";
    back.onclick = () => { opened.pop(); show(opened[opened.length - 1]); };
    header.appendChild(back);
    drag(svg, (dx, dy) => { view.x += dx; view.y += dy; moveView(); });
    svg.addEventListener("wheel", event => {
        const factor = Math.exp(-event.deltaY / 500), box = svg.getBoundingClientRect();
        const x = event.clientX - box.left, y = event.clientY - box.top;
        view.x = x - (x - view.x) * factor;
        view.y = y - (y - view.y) * factor;
        view.scale *= factor;
        moveView();
        event.preventDefault();
    }, { passive: false });
    opened.push(JSON.parse(document.getElementById("graph").textContent));
    show(opened[0]);
})();
