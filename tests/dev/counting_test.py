"""tools/test counts single tests, and nothing that failed gets lost in the counting."""

import unittest
import xml.etree.ElementTree
from unittest import mock

from context import HomeTest
import test as tool


class CountingTest(HomeTest):
    def setUp(self):
        super().setUp()
        patcher = mock.patch.object(tool, "say", lambda *_: None)
        patcher.start()
        self.addCleanup(patcher.stop)
        self.tally = tool.Tally()

    def count(self, status, output="", skipped=None):
        case = xml.etree.ElementTree.Element("testcase", name="a_test", status=status)
        xml.etree.ElementTree.SubElement(case, "system-out").text = output
        if skipped:
            xml.etree.ElementTree.SubElement(case, "skipped", message=skipped)
        tool.count_case(self.tally, "dev", case)
        return self.tally.last_line()

    def test_a_cmocka_program_counts_its_tests(self):
        self.assertEqual(self.count("run", "[  PASSED  ] 7 test(s).\n"), "7 passed, 0 failed")

    def test_two_groups_in_one_program_add_up(self):
        output = "[  PASSED  ] 7 test(s).\n[==========] more\n[  PASSED  ] 2 test(s).\n"
        self.assertEqual(self.count("run", output), "9 passed, 0 failed")

    def test_failures_are_counted_and_named(self):
        output = "[  PASSED  ] 6 test(s).\n[  FAILED  ] 2 test(s), listed below:\n"
        self.assertEqual(self.count("fail", output), "6 passed, 2 failed")
        self.assertEqual(self.tally.failures, ["dev: a_test"])

    def test_a_program_that_crashed_after_its_summary_has_failed(self):
        self.assertEqual(self.count("fail", "[  PASSED  ] 6 test(s).\n"), "0 passed, 1 failed")

    def test_a_program_that_crashed_without_a_word_has_failed(self):
        self.assertEqual(self.count("fail"), "0 passed, 1 failed")

    def test_a_check_that_prints_nothing_counts_as_one(self):
        self.assertEqual(self.count("run"), "1 passed, 0 failed")

    def test_a_test_without_its_broker_is_skipped(self):
        line = self.count("notrun", skipped="SKIP_RETURN_CODE=77")
        self.assertEqual(line, "0 passed, 0 failed, 1 skipped")

    def test_a_program_that_is_not_there_has_failed(self):
        line = self.count("notrun", skipped="Unable to find executable")
        self.assertEqual(line, "0 passed, 1 failed")

    def test_a_python_test_counts_its_tests(self):
        output = "Ran 12 tests in 1.2s\n\nFAILED (failures=1, errors=2, skipped=3)\n"
        self.assertEqual(self.count("fail", output), "6 passed, 3 failed")
        self.assertEqual(tool.unittest_counts("Ran 12 tests in 1s\n\nOK (skipped=2)\n"), (10, 0, 2))
        self.assertIsNone(tool.unittest_counts("Traceback"))

    def test_nothing_that_ran_is_no_success(self):
        with mock.patch.object(tool, "everyday", lambda tally: None):
            self.assertEqual(tool.main(["--quick"]), 1)

    def test_a_build_that_fails_is_counted(self):
        def fail(_tally):
            raise tool.Failure("the build failed")

        with mock.patch.object(tool, "everyday", fail):
            self.assertEqual(tool.main([]), 1)


if __name__ == "__main__":
    unittest.main()
