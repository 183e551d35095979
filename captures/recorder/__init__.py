# SPDX-License-Identifier: GPL-2.0-or-later
"""Records TLS handshakes of real programs on a loopback of its own, and says what each capture is."""
