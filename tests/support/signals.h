/* Whose handlers get a guest's faults. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_SIGNALS_H
#define BULLPEN_TESTS_SUPPORT_SIGNALS_H

/*
 * The engine installs its signal handlers once a process, with the first runtime. cmocka puts its
 * own in their place for the duration of each test and would report a guest's trap as a crash. So
 * main() lets the engine install them, and every test takes them back (host_open() does).
 */
void signals_remember(void);
void signals_take(void);

#endif
