# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs inside of a desktop of its own: starts Wireshark, and does in it what a test says.

In:  lines of JSON on standard input, [command, argument...]; the commands are the methods of Session without "_".
Out: a line of JSON for each, {"result": ...} or {"error": "..."}, on descriptor 3: helpers of the desktop write to 1.

Wireshark's windows are read and worked by AT-SPI, the protocol of screen readers, spoken over D-Bus itself: there an
action can be started without waiting for it to end, and one that opens a modal dialog ends with the dialog.
A view is a tree or a table in a window; the packet list and the packet details are views of the main window.
"""

import json
import os
import subprocess
import sys
import time

from gi.repository import Gio, GLib

BUS, BUS_PATH = "org.a11y.Bus", "/org/a11y/bus"
REGISTRY, ROOT = "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"
ATSPI = "org.a11y.atspi."
PROPERTIES = "org.freedesktop.DBus.Properties"
LIMIT = 120_000                             # milliseconds, for an answer
PAUSE = 0.1                                 # seconds, before it is looked at again
STATES = {"checked": 4, "enabled": 8, "selected": 23, "sensitive": 24, "showing": 25}
VIEWS = "tree", "table", "tree table"
CLOSED = *VIEWS, "list", "menu bar", "popup menu"   # what is found by other means than by looking into it


class Node:
    """An object of AT-SPI: a window, a widget, a cell, a menu item."""

    def __init__(self, bus, owner, path):
        self.bus, self.owner, self.path = bus, owner, path

    def call(self, interface, method, *arguments, signature="", wait=True):
        parameters = GLib.Variant(f"({signature})", arguments)
        if not wait:
            self.bus.call(self.owner, self.path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, LIMIT,
                          None, None)
            return None
        answer = self.bus.call_sync(self.owner, self.path, interface, method, parameters, None,
                                    Gio.DBusCallFlags.NONE, LIMIT, None)
        return answer.unpack()[0] if answer.n_children() else None

    def children(self):
        return [Node(self.bus, owner, path) for owner, path in self.call(ATSPI + "Accessible", "GetChildren")
                if not path.endswith("/null")]

    def role(self):
        return self.call(ATSPI + "Accessible", "GetRoleName")

    def name(self):
        return self.call(PROPERTIES, "Get", ATSPI + "Accessible", "Name", signature="ss")

    def is_(self, state):
        words = self.call(ATSPI + "Accessible", "GetState")
        return bool(words[0] >> STATES[state] & 1)

    def press(self, action=0):
        self.call(ATSPI + "Action", "DoAction", action, signature="i", wait=False)

    def descendants(self):
        for child in self.children():
            yield child
            if child.role() not in CLOSED:
                yield from child.descendants()


def names_of(nodes):
    """The names of many nodes, asked for all at once."""
    answers, loop = {}, GLib.MainLoop()

    def arrived(bus, task, number):
        try:
            answers[number] = bus.call_finish(task).unpack()[0]
        except GLib.Error as error:         # it is gone meanwhile
            answers[number] = error
        if len(answers) == len(nodes):
            loop.quit()
    for number, node in enumerate(nodes):
        node.bus.call(node.owner, node.path, PROPERTIES, "Get", GLib.Variant("(ss)", (ATSPI + "Accessible", "Name")),
                      None, Gio.DBusCallFlags.NONE, LIMIT, None, arrived, number)
    if nodes:
        loop.run()
    gone = [answer for answer in answers.values() if isinstance(answer, GLib.Error)]
    if gone:
        raise LookupError(str(gone[0]))
    return [answers[number] for number in range(len(nodes))]


class Session:
    def __init__(self):
        self._bus = self._wireshark = None
        self._servers = []                  # their standard input stays open

    # ---- the program

    def start(self, command, environment, output):
        with open(output, "wb") as file:
            self._wireshark = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                               env={**os.environ, **environment})
        while not self._shows_windows():
            if self.status() is not None:
                return
            time.sleep(PAUSE)
        self._start_bus()

    @staticmethod
    def _shows_windows():
        return b"0x" in subprocess.run(["xprop", "-root", "_NET_CLIENT_LIST"], check=True, stdout=subprocess.PIPE).stdout

    def _start_bus(self):
        """The accessibility bus, once Wireshark runs: Qt 5 waits for it to be started, and joins it then. When it is
        there already, Qt asks for its address while Wireshark is being set up, and at times loses the answer."""
        launcher = Node(Gio.bus_get_sync(Gio.BusType.SESSION), BUS, BUS_PATH)
        address = launcher.call(BUS, "GetAddress")
        flags = Gio.DBusConnectionFlags
        self._bus = Gio.DBusConnection.new_for_address_sync(
            address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)

    def run(self, *command):
        """Any other program, to its end; what it prints."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.decode(errors="replace")

    def serve(self, command):
        """A server, until the desktop ends; openssl's s_server says ACCEPT when it can be reached."""
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while b"ACCEPT" not in (line := server.stdout.readline()):
            if not line:
                raise LookupError(f"{command} ended")
        self._servers.append(server)

    def status(self):
        """The exit status, None while it runs."""
        return self._wireshark.poll()

    # ---- its windows

    def _windows(self):
        if not self._bus:
            return []
        applications = Node(self._bus, REGISTRY, ROOT).children()
        return [window for application in applications for window in application.children()]

    def _window(self, title):
        """The window whose title contains this; the main window, the first one, for ""."""
        windows = self._windows()
        found = [window for window, name in zip(windows, names_of(windows)) if title in name]
        if not found:
            raise LookupError(f"no window {title!r} among {names_of(windows)}")
        return found[0]

    def windows(self):
        windows = self._windows()
        return [name for window, name in zip(windows, names_of(windows)) if window.is_("showing")]

    def _find(self, title, roles, name):
        for node in self._window(title).descendants():
            if node.role() in roles and node.name() == name and node.is_("showing"):
                return node
        raise LookupError(f"{title!r} shows no {roles} {name!r}")

    def texts(self, title, role="label"):
        """The names of all that is shown of a role."""
        return [node.name() for node in self._window(title).descendants() if node.role() == role and node.is_("showing")]

    def press(self, title, name, roles=("push button", "button", "check box", "radio button", "page tab")):
        self._find(title, roles, name).press()

    def is_state(self, title, name, state, roles=("push button", "button", "check box", "radio button")):
        return self._find(title, roles, name).is_(state)

    def enter(self, title, name, text):
        """Puts a text into the field of this name in place of what is there."""
        self._find(title, ("text",), name).call(ATSPI + "EditableText", "SetTextContents", text, signature="s")

    def read(self, title, name):
        node = self._find(title, ("text",), name)
        return node.call(ATSPI + "Text", "GetText", 0, -1, signature="ii")

    def focus(self, title, name, role):
        """By a click; the keys go there from now on, and a list of choices is shown."""
        self._click(self._find(title, (role,), name))

    # ---- menus

    def _menu_item(self, path):
        (at,) = [node for node in self._window("").children() if node.role() == "menu bar"]
        for word in path:
            items = at.children()
            if items and at.role() == "menu item":
                items = [each for popup in items for each in popup.children()]
            found = [item for item, name in zip(items, names_of(items)) if name == word]
            if not found:
                raise LookupError(f"no {word!r} of {path} among {names_of(items)}")
            at = found[0]
        return at

    def choose(self, *path):
        item = self._menu_item(path)
        if not item.is_("enabled"):
            raise LookupError(f"{path} cannot be chosen yet")
        item.press()

    def entries(self, *path):
        """What a menu consists of, if it is filled by now."""
        return [name for popup in self._menu_item(path).children() for name in names_of(popup.children())]

    def offers(self, *path):
        """Whether the menu item can be chosen."""
        return self._menu_item(path).is_("enabled")

    # ---- views

    def _view(self, title, name):
        """The view of this name, or whose first column is called so."""
        for node in self._window(title).descendants():
            if node.role() in VIEWS and node.is_("showing"):
                if node.name() == name or names_of(node.children()[:1]) == [name]:
                    return node
        raise LookupError(f"{title!r} shows no view {name!r}")

    def _cells(self, title, name):
        children = self._view(title, name).children()
        roles = [child.role() for child in children[:64]]
        columns = roles.count("table column header") or roles.count("column header") or 1
        return children[:columns], children[columns:], columns

    def columns(self, title, name):
        return names_of(self._cells(title, name)[0])

    def rows(self, title, name):
        _, cells, columns = self._cells(title, name)
        names = names_of(cells)
        return [names[at:at + columns] for at in range(0, len(names), columns)]

    def select(self, title, name, row):
        table = self._view(title, name)
        for selected in table.call(ATSPI + "Table", "GetSelectedRows"):
            table.call(ATSPI + "Table", "RemoveRowSelection", selected, signature="i")
        table.call(ATSPI + "Table", "AddRowSelection", row, signature="i")

    def is_cell(self, title, name, row, column, state):
        _, cells, columns = self._cells(title, name)
        return cells[row * columns + column].is_(state)

    # ---- mouse, keys and pictures

    def _click(self, node, button=1):
        x, y, width, height = node.call(ATSPI + "Component", "GetExtents", 0, signature="u")
        subprocess.run(["xdotool", "mousemove", str(x + width // 2), str(y + height // 2), "click", str(button)],
                       check=True)

    def colour(self, title, name, row, column=0):
        """Of the cell's background, as #RRGGBB."""
        _, cells, columns = self._cells(title, name)
        x, y, _, _ = cells[row * columns + column].call(ATSPI + "Component", "GetExtents", 0, signature="u")
        pixel = subprocess.run(["import", "-window", "root", "-depth", "8", "-crop", f"1x1+{x + 1}+{y + 1}", "txt:-"],
                               check=True, stdout=subprocess.PIPE, text=True).stdout
        return "#" + pixel.split("#")[2][:6]

    def click(self, title, name, row, column=0, button=1):
        _, cells, columns = self._cells(title, name)
        self._click(cells[row * columns + column], button)

    def click_title(self, title, name, column):
        titles, _, _ = self._cells(title, name)
        self._click(titles[names_of(titles).index(column)])

    def key(self, *keys):
        subprocess.run(["xdotool", "key", *keys], check=True)

    def picture(self, file):
        """The whole screen, into a file."""
        subprocess.run(["import", "-window", "root", file], check=True)

    def dump(self, title):
        """All that is in a window, for who writes a test."""
        def lines(node, depth):
            yield "  " * depth + f"{node.role()} {node.name()!r}" + (" showing" if node.is_("showing") else "")
            for child in node.children()[:64]:
                yield from lines(child, depth + 1)
        return list(lines(self._window(title), 0))


def answer(session, line):
    command, *arguments = json.loads(line)
    try:
        return {"result": getattr(session, command)(*arguments)}
    except (LookupError, GLib.Error) as error:
        return {"error": str(error)}


def start_display(screen):
    """An X server and a window manager; they end with the namespace they are in. A server that begins anew when its last
    client has gone refuses whoever comes at that moment."""
    read, write = os.pipe()
    subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
                     pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as ready:
        os.environ["DISPLAY"] = ":" + ready.readline().strip()
    subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)


def main():
    start_display(sys.argv[1])
    session = Session()
    with os.fdopen(3, "w") as answers:
        os.set_inheritable(answers.fileno(), False)
        print(json.dumps({"result": "ready"}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(session, line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
